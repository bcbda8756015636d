/// The MD5 digest (RFC 1321), for names that dbt derives from texts. Not for anything that must resist an attacker.
///
/// It is our own since OpenSSL refuses the algorithm in FIPS mode, where these names are needed as well.
package enum MD5 {
  /// The digest as 32 lower-case hexadecimal digits.
  package static func hex(_ bytes: some Sequence<UInt8>) -> String { Digest.hex(digest(bytes)) }

  /// The digest of a text's UTF-8 as 32 lower-case hexadecimal digits.
  package static func hex(_ text: String) -> String { hex(text.utf8) }

  /// The 16 bytes of the digest.
  package static func digest(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476]
    var words = InlineArray<16, UInt32>(repeating: 0)
    Digest.forEachBlock(bytes, lengthIsBigEndian: false) { block in
      for index in 0..<16 {
        words[index] = unsafe UInt32(
          littleEndian: block.bytes.unsafeLoadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
      }
      compress(words, into: &state)
    }
    return state.flatMap {
      [
        UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8),
        UInt8(truncatingIfNeeded: $0 >> 16), UInt8(truncatingIfNeeded: $0 >> 24),
      ]
    }
  }

  private static func compress(_ words: InlineArray<16, UInt32>, into state: inout [UInt32]) {
    var a = state[0]
    var b = state[1]
    var c = state[2]
    var d = state[3]
    @inline(__always) func step(_ index: Int, _ mix: UInt32, _ word: Int) {
      let sum = a &+ mix &+ sines[index] &+ words[word & 15]
      let turn = turns[(index >> 4) * 4 + (index & 3)]
      (a, d, c, b) = (d, c, b, b &+ (sum &<< turn | sum &>> (32 &- turn)))
    }
    for index in 0..<16 { step(index, (b & c) | (~b & d), index) }
    for index in 16..<32 { step(index, (d & b) | (~d & c), 5 &* index &+ 1) }
    for index in 32..<48 { step(index, b ^ c ^ d, 3 &* index &+ 5) }
    for index in 48..<64 { step(index, c ^ (b | ~d), 7 &* index) }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
  }

  private static let turns: InlineArray<16, UInt32> = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]

  /// `floor(2^32 · |sin(n)|)` for n from 1 to 64.
  private static let sines: InlineArray<64, UInt32> = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
  ]
}

/// What the two digests have in common.
enum Digest {
  /// Cuts a message into padded blocks of 64 bytes.
  static func forEachBlock(
    _ bytes: some Sequence<UInt8>, lengthIsBigEndian: Bool, _ body: (Span<UInt8>) -> Void
  ) {
    var message = Array(bytes)
    let bits = UInt64(message.count) &* 8
    message.append(0x80)
    message.append(contentsOf: repeatElement(0, count: (120 - message.count % 64) % 64))
    for index in 0..<8 {
      let shift = UInt64(lengthIsBigEndian ? 7 - index : index) * 8
      message.append(UInt8(truncatingIfNeeded: bits >> shift))
    }
    var at = 0
    while at < message.count {
      body(message.span.extracting(at..<(at + 64)))
      at += 64
    }
  }

  /// Lower-case hexadecimal digits.
  static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}

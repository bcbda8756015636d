/// Host names in scripts other than ASCII, in the form that DNS and certificates hold (RFC 3492, RFC 5890).
enum InternationalName {
  /// The name with every label in ASCII; nil when a label needs rules of IDNA that are not simple.
  ///
  /// Simple are letters and digits that exist as one lower-case code point each, and hyphens. Combining marks, joiners,
  /// `ß` and `ς` (on which the versions of IDNA disagree), symbols and everything else is left to the user to encode.
  static func ascii(_ name: String) -> String? {
    var labels: [String] = []
    for label in name.split(separator: ".", omittingEmptySubsequences: false) {
      if label.utf8.allSatisfy({ $0 < 0x80 }) {
        labels.append(String(label))
        continue
      }
      let scalars = Array(label.lowercased().unicodeScalars)
      guard scalars.count <= 63, scalars.allSatisfy(isSimple) else { return nil }
      let encoded = "xn--" + punycode(scalars)
      guard encoded.utf8.count <= 63 else { return nil }
      labels.append(encoded)
    }
    return labels.joined(separator: ".")
  }

  private static func isSimple(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "-" }
    if scalar == "ß" || scalar == "ς" { return false }
    switch scalar.properties.generalCategory {
    case .lowercaseLetter, .otherLetter:
      return scalar.properties.canonicalCombiningClass == .notReordered && !scalar.properties.isJoinControl
        && !isCompatibilityForm(scalar)
    default: return false
    }
  }

  /// Forms that IDNA maps to other letters (full-width, presentation and compatibility forms).
  private static func isCompatibilityForm(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0xAA, 0xBA, 0x132...0x133, 0x13F...0x140, 0x149, 0x17F, 0x1C4...0x1CC, 0x1F1...0x1F3, 0x587, 0x675...0x678,
      0x1100...0x11FF, 0x2000...0x2BFF, 0x3131...0x33FF, 0xA960...0xA97F, 0xD7B0...0xD7FF, 0xF900...0xFFFF:
      true
    default: false
    }
  }

  /// RFC 3492 §6.3.
  static func punycode(_ scalars: [Unicode.Scalar]) -> String {
    let basic = scalars.filter(\.isASCII)
    var output = String(String.UnicodeScalarView(basic))
    if !basic.isEmpty { output += "-" }
    var (code, delta, bias): (UInt32, UInt32, UInt32) = (128, 0, 72)
    var handled = UInt32(basic.count)
    while Int(handled) < scalars.count {
      guard let next = scalars.lazy.map(\.value).filter({ $0 >= code }).min() else { break }
      delta += (next - code) * (handled + 1)
      code = next
      for scalar in scalars {
        if scalar.value < code { delta += 1 }
        guard scalar.value == code else { continue }
        append(delta, bias, to: &output)
        bias = adapted(delta, handled + 1, isFirst: Int(handled) == basic.count)
        delta = 0
        handled += 1
      }
      delta += 1
      code += 1
    }
    return output
  }

  private static func append(_ number: UInt32, _ bias: UInt32, to output: inout String) {
    let digits = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    var rest = number
    var step: UInt32 = 36
    while true {
      let threshold = step <= bias ? 1 : min(26, step - bias)
      guard rest >= threshold else { break }
      output.append(digits[Int(threshold + (rest - threshold) % (36 - threshold))])
      rest = (rest - threshold) / (36 - threshold)
      step += 36
    }
    output.append(digits[Int(rest)])
  }

  private static func adapted(_ number: UInt32, _ points: UInt32, isFirst: Bool) -> UInt32 {
    var delta = isFirst ? number / 700 : number / 2
    delta += delta / points
    var step: UInt32 = 0
    while delta > 455 {
      delta /= 35
      step += 36
    }
    return step + 36 * delta / (delta + 38)
  }
}

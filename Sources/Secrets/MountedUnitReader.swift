import CLinux
import Glibc

/// One attempt to read the members of a unit.
struct MountedUnitReader {
  private var notes: [MountedUnit.Note] = []

  /// Reads everything, each volume beneath one opening of its `..data`.
  mutating func read(_ members: [MountedUnit.Member]) throws(SecretError) -> MountedUnit {
    let locations = members.map { MountLocation.of($0.path) }
    var contents = [Int: MountedUnit.Content]()
    var volumes: [String] = []
    for case let volume? in locations.map(\.volume) where !volumes.contains(volume) { volumes.append(volume) }
    for volume in volumes {
      let folder = try OpenFolder(path: volume + "/..data")
      for (index, location) in locations.enumerated() where location.volume == volume {
        contents[index] = try read(members[index], location.name, beneath: folder)
      }
    }
    for (index, location) in locations.enumerated() where location.volume == nil {
      contents[index] = try readPlain(members[index])
    }
    let ordered = members.indices.compactMap { contents[$0] }
    guard let fingerprint = Self.fingerprint(members, ordered) else {
      throw SecretError(.unreadable(errno: ENOMEM), path: members.first?.path ?? "")
    }
    return MountedUnit(
      contents: ordered, fingerprint: fingerprint, isAtomic: locations.allSatisfy { $0.volume != nil }, notes: notes)
  }

  private mutating func read(
    _ member: MountedUnit.Member, _ name: String, beneath folder: borrowing OpenFolder
  ) throws(SecretError) -> MountedUnit.Content {
    if member.kind == .bundle {
      if name == "." { return .open(try readAll(of: folder, path: member.path)) }
      do throws(SecretError) {
        let inner = try OpenFolder(name: name, in: folder, path: member.path)
        return .open(try readAll(of: inner, path: member.path))
      } catch {
        guard error.code == .notAFolder else { throw error }
      }
    }
    let file = try OpenFile(name: name, in: folder, path: member.path)
    return try content(of: file, member.kind)
  }

  private mutating func readPlain(_ member: MountedUnit.Member) throws(SecretError) -> MountedUnit.Content {
    if member.kind == .bundle {
      do throws(SecretError) {
        let folder = try OpenFolder(path: member.path)
        return .open(try readAll(of: folder, path: member.path))
      } catch {
        guard error.code == .notAFolder else { throw error }
      }
    }
    let file = try OpenFile(path: member.path)
    return try content(of: file, member.kind)
  }

  /// Every regular file of a folder; other folders and what is no file are passed over.
  private mutating func readAll(
    of folder: borrowing OpenFolder, path: String
  ) throws(SecretError) -> [MountedUnit.OpenContent] {
    var found: [MountedUnit.OpenContent] = []
    var total = 0
    for name in try folder.names(limit: MountedUnit.mostFiles) {
      let file = try OpenFile(name: name, in: folder, path: path + "/" + name)
      do throws(SecretError) {
        let bytes = try steadily(file) { (file) throws(SecretError) in
          try MountedFile.read(file, limit: MountedUnit.fileLimit)
        }
        total += bytes.count
        found.append(MountedUnit.OpenContent(path: file.path, bytes: bytes))
      } catch {
        guard error.code == .notAFile else { throw error }
      }
      guard total <= MountedUnit.folderLimit else {
        throw SecretError(.tooLarge(limit: MountedUnit.folderLimit), path: path)
      }
    }
    guard !found.isEmpty else { throw SecretError(.empty, path: path) }
    return found
  }

  private mutating func content(
    of file: borrowing OpenFile, _ kind: MountedUnit.Member.Kind
  ) throws(SecretError) -> MountedUnit.Content {
    if file.isMountRoot { notes.append(.neverUpdates(path: file.path)) }
    guard kind != .open && kind != .bundle else {
      let bytes = try steadily(file) { (file) throws(SecretError) in
        try MountedFile.read(file, limit: MountedUnit.fileLimit)
      }
      return .open([MountedUnit.OpenContent(path: file.path, bytes: bytes)])
    }
    if try file.isReadableByEveryone { notes.append(.readableByEveryone(path: file.path)) }
    return .secret(
      try steadily(file) { (file) throws(SecretError) in
        SharedSecret(
          try Secret.read(file, limit: SharedSecret.fileLimit, keepsLineEnd: kind == .binarySecret))
      })
  }

  /// Reads a file that must be the same before and after.
  private func steadily<T>(
    _ file: borrowing OpenFile, _ read: (borrowing OpenFile) throws(SecretError) -> T
  ) throws(SecretError) -> T {
    let before = try file.identity
    let content = try read(file)
    guard try file.identity == before else { throw SecretError(.changing, path: file.path) }
    return content
  }

  private static func fingerprint(
    _ members: [MountedUnit.Member], _ contents: [MountedUnit.Content]
  ) -> [UInt8]? {
    guard let digest = SHA256() else { return nil }
    func add(_ bytes: [UInt8]) {
      digest.update(count: bytes.count)
      digest.update(bytes)
    }
    for (member, content) in zip(members, contents) {
      add(Array(member.path.utf8))
      switch content {
      case .open(let files):
        digest.update(count: files.count)
        for file in files {
          add(Array(file.path.utf8))
          add(file.bytes)
        }
      case .secret(let secret):
        digest.update(count: secret.count)
        unsafe secret.withBytes { unsafe digest.update($0) }
      }
    }
    let result = digest.finish()
    return result.count == 32 ? result : nil
  }
}

internal import EventLoop
internal import HTTP2Client
internal import Secrets
internal import TLSClient

/// The identity and trust that connections are made with: one generation of the files. Lives on the loop's thread.
struct Credential {
  /// Counts adoptions from 1.
  let generation: Int
  /// What sessions are made from.
  let context: TLSContext
  /// When its certificates end.
  let expiries: [CertificateExpiry]

  init(generation: Int, context: TLSContext) {
    self.generation = generation
    self.context = context
    expiries = context.expiries
  }
}

/// A new identity on its way to adoption: its own connection, and at most one call on it.
struct CredentialTrial {
  /// What is tried.
  let credential: Credential
  /// The connection it is tried on; nil before it is dialed.
  var connection: Int?
  /// Ends the trial when the server does not answer.
  var timer: TimerKey?

  /// What the loss of the trial's connection says about the identity.
  static func verdict(on error: HTTP2Error) -> CredentialRotation.Verdict {
    switch error.code {
    case .refusedByTLS: .refused(error.message)
    case .localConfiguration: .invalid(error.message)
    default: .unreachable(error.message)
    }
  }

  /// What the answer to the trial's call says about the identity.
  static func verdict(on outcome: Result<[UInt8], GRPCError>) -> CredentialRotation.Verdict {
    guard case .failure(let error) = outcome else { return .accepted }
    switch error.code {
    // The server has read the request and only does not know the method.
    case .unimplemented: return .accepted
    case .unavailable, .deadlineExceeded, .resourceExhausted, .cancelled, .aborted:
      return .unreachable(error.description)
    default: return .refused(error.description)
    }
  }
}

/// The state of the looks at the files. Lives on the loop's thread.
struct CredentialFiles {
  /// What the files were at the last look.
  var survey: FileSurvey?
  /// What was read last, with its fingerprint.
  var content: (fingerprint: [UInt8], material: Result<TLSMaterial, TLSError>)?
  /// The system's hints; nil when it gives none.
  var notifications: FolderNotifications?
  /// Whether a look is under way.
  var isLooking = false
  /// Whether something has happened since the look under way began.
  var isStale = false
  /// The timer of the next look.
  var timer: (key: TimerKey, deadline: MonotonicTime)?
  /// How many looks there have been.
  var looks = 0
}

/// What one look at the files has found. Made on a thread that may block.
struct CredentialLook: Sendable {
  /// What the files are.
  let survey: FileSurvey
  /// What stands in them; nil when they were not read because nothing has changed.
  let material: Result<TLSMaterial, TLSError>?
  /// The system's hints, watched for the folders of the files.
  let notifications: FolderNotifications?

  /// Looks at the files and reads them if they have changed, or if they must be read.
  static func take(
    _ tls: TLSConfiguration, last: FileSurvey?, mustRead: Bool, notifications: FolderNotifications?
  ) -> CredentialLook {
    let paths = tls.watchedFiles
    let isFirst = last == nil
    let notifications = isFirst ? notifications ?? FolderNotifications() : notifications
    notifications?.watch(FileSurvey.folders(of: paths))
    var survey = FileSurvey.of(paths)
    guard mustRead || survey != last else {
      return CredentialLook(survey: survey, material: nil, notifications: notifications)
    }
    // Files that are swapped while they are read would be read half old, half new.
    var material = read(tls)
    for _ in 0..<3 {
      let after = FileSurvey.of(paths)
      guard after != survey else { break }
      survey = after
      material = read(tls)
    }
    return CredentialLook(survey: survey, material: material, notifications: notifications)
  }

  private static func read(_ tls: TLSConfiguration) -> Result<TLSMaterial, TLSError> {
    do throws(TLSError) {
      return .success(try TLSMaterial.read(tls))
    } catch {
      return .failure(error)
    }
  }
}

extension TLSConfiguration {
  /// The files whose replacement is seen at once. All others that are read are noticed when they are read anew.
  var watchedFiles: [String] {
    var paths: [String] = []
    if case .file(let path) = trust { paths.append(path) }
    if let revocation { paths.append(revocation.path) }
    if let identity = clientIdentity {
      paths += [identity.certificateFile, identity.keyFile] + (identity.passphraseFile.map { [$0] } ?? [])
    }
    return paths
  }
}

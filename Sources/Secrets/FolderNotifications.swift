import CLinux
import Glibc

/// The system's word that something in a folder was replaced or written (inotify): makes changes seen sooner.
///
/// Only a hint: it may be missing, as on network file systems or when the system's limit is reached, so the files must
/// be looked at regularly anyway. The descriptor becomes readable when something has happened.
package final class FolderNotifications: Sendable {
  /// What to wait on; owned by this object.
  package let descriptor: Int32

  /// Nil when the system gives no instance. Does not block.
  package init?() {
    descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    guard descriptor >= 0 else { return nil }
  }

  deinit { _ = close(descriptor) }

  /// Asks for word of the folders, again and again: a folder that was itself replaced needs a new watch, and asking for
  /// one that stands changes nothing. May block on the file system.
  ///
  /// - Returns: whether every folder is watched.
  @discardableResult
  package func watch(_ folders: [String]) -> Bool {
    let events = IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF
    return folders.reduce(true) { all, folder in
      unsafe inotify_add_watch(descriptor, folder, UInt32(bitPattern: events)) >= 0 && all
    }
  }

  /// Takes away all words that have arrived. True: there was one. Does not block.
  package func take() -> Bool {
    var area = [UInt8](repeating: 0, count: 4_096)
    var hasWord = false
    while unsafe read(descriptor, &area, area.count) > 0 { hasWord = true }
    return hasWord
  }
}

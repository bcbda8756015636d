import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// Collects what a template asks for while it is rendered without being executed.
///
/// One thread uses it, for one node.
final class ParseCapture {
  var refs: [RefArguments] = []
  var sources: [[String]] = []
  var metrics: [[String]] = []
  var functions: [[String]] = []
  /// Merged `config()` calls.
  var calls: PlainObject = [:]
  /// Whether `config()` was called at all.
  var isConfigured = false
  /// The first of those calls as written; nil when that was not looked up.
  var written: PlainObject?
  /// Unique ids of the macros that the template itself calls, in order.
  var macros: [String] = []

  func add(macro uniqueID: String) { if !macros.contains(uniqueID) { macros.append(uniqueID) } }
}

import DequeModule
import OrderedCollections
package import WorkflowEngine

/// The sticky cache: runs as they stand after their last completed workflow task, the least recently used one dropped first.
///
/// A run is handed to one task at a time; who asks for a run in use waits for it.
package actor RunCache {
  private let limit: Int
  /// The most recently used last.
  private var runs: OrderedDictionary<String, WorkflowRun> = [:]
  private var waiters: [String: Deque<CheckedContinuation<Void, Never>>] = [:]

  /// Runs dropped because the cache was full.
  package private(set) var evictions = 0

  /// - Parameter limit: runs kept; 0 keeps none, so that every task brings its whole history.
  package init(limit: Int) { self.limit = limit }

  package var count: Int { runs.count }

  /// Takes a run out for exclusive use; every call must be followed by one of `putBack`.
  /// - Returns: nil when the run is not cached.
  package func checkOut(_ runID: String) async -> WorkflowRun? {
    if waiters[runID] != nil {
      await withCheckedContinuation { waiters[runID]?.append($0) }
    } else {
      waiters[runID] = []
    }
    return runs.removeValue(forKey: runID)
  }

  /// Ends the exclusive use of a run.
  /// - Parameter run: what to keep; nil drops the run.
  package func putBack(_ runID: String, _ run: WorkflowRun?) {
    if let run, limit > 0 {
      while runs.count >= limit {
        runs.removeFirst()
        evictions += 1
      }
      runs[runID] = run
    }
    if let next = waiters[runID]?.popFirst() {
      next.resume()
    } else {
      waiters[runID] = nil
    }
  }
}

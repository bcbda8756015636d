/// Python's list: shared and mutable.
package final class ListObject {
  package var items: [Value]

  package init(_ items: [Value] = []) { self.items = items }

  deinit { Teardown.release(&items) }
}

import OrderedCollections
package import PlainData

/// How a function of the project is called and what it gives back, in dbt's form.
package struct FunctionSignature: Sendable, Hashable {
  /// Another function of the same name in the database, with arguments and a body of its own.
  package struct Overload: Sendable, Hashable {
    /// The name of the file below the function paths that holds the body, without its ending.
    package var definedIn: String
    package var arguments: [PlainValue]
    /// nil: that of the function itself.
    package var returns: PlainValue?
    package var description: PlainValue
    package var rawBody: String

    var json: PlainValue {
      [
        "defined_in": .string(definedIn), "arguments": .array(arguments), "returns": returns ?? .null,
        "description": description, "raw_body": .string(rawBody), "compiled_body": nil,
      ]
    }
  }

  /// Objects of `name`, `data_type`, `description` and `default_value`.
  package var arguments: [PlainValue] = []
  /// An object of `data_type` and `description`.
  package var returns: PlainValue = nil
  package var overloads: [Overload] = []

  package init() {}

  /// The members of the manifest's entry.
  func fill(_ document: inout PlainObject) {
    document["returns"] = returns
    document["arguments"] = .array(arguments)
    document["overloads"] = .array(overloads.map(\.json))
  }
}

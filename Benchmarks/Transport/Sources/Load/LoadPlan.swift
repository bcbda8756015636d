/// One measurement: what the driver asks of a client program.
package struct LoadPlan: Sendable {
  /// Why the arguments are no plan.
  package struct Fault: Error, CustomStringConvertible {
    package let description = "usage: PROGRAM PORT CERTIFICATES IN-FLIGHT BYTES WARM-UP SECONDS"
  }

  /// Port of the server on 127.0.0.1.
  package let port: Int
  /// Folder with `ca.crt`, `client.crt` and `client.key`.
  package let certificates: String
  /// How many calls are under way at any time.
  package let inFlight: Int
  /// Bytes of the request message and of the response message.
  package let messageBytes: Int
  /// Seconds before measuring begins: the connection is made and memory is taken.
  package let warmUp: Double
  /// Seconds measured.
  package let seconds: Double

  /// Reads the plan from the command line.
  package init(arguments: [String]) throws {
    guard arguments.count == 7, let port = Int(arguments[1]), let inFlight = Int(arguments[3]),
      let messageBytes = Int(arguments[4]), let warmUp = Double(arguments[5]), let seconds = Double(arguments[6])
    else { throw Fault() }
    self.port = port
    certificates = arguments[2]
    self.inFlight = inFlight
    self.messageBytes = messageBytes
    self.warmUp = warmUp
    self.seconds = seconds
  }

  /// The method to call. Its last part ends as the file that the server answers with.
  package var method: String { "Bytes\(messageBytes).grpc" }

  /// The service to call.
  package var service: String { "bench.Load" }
}

/// What each metric means, for the HELP lines and for whoever looks for a name: one declaration, so that a part that emits
/// need not carry texts.
package enum MetricCatalog {
  /// The help of a family; a family that is not in the table gets a general one.
  package static func help(for name: String) -> String { texts[name] ?? "Not described by this version." }

  /// Every name described, sorted.
  package static var names: [String] { texts.keys.sorted() }

  private static let texts: [String: String] = transport.merging(identity) { first, _ in first }
    .merging(process) { first, _ in first }

  /// Dialing, HTTP/2 and the channel.
  private static let transport: [String: String] = [
    "sallyport_dials_total": "Attempts to open a connection, by result.",
    "sallyport_dials_refused_total":
      "Destinations that the egress policy refused before anything was dialed, by reason.",
    "sallyport_tls_handshakes_total": "TLS handshakes, by result: ok, or the code of the error.",
    "sallyport_connections": "Connections to the scheduler, by state.",
    "sallyport_reconnects_total": "Connections to the scheduler that replaced another, by cause.",
    "sallyport_http2_streams_total": "HTTP/2 streams that ended, by result.",
    "sallyport_http2_streams_open": "HTTP/2 streams open now, long polls included.",
    "sallyport_http2_flow_control_stalls_total":
      "Times that sending had to wait for a window to open, by scope: stream or connection.",
    "sallyport_http2_ping_round_trip_seconds": "Time from an HTTP/2 PING to its acknowledgement.",
    "sallyport_http2_goaways_total": "GOAWAY frames received, by code.",
    "sallyport_http2_floods_total": "Connections ended because the peer sent too much that carries nothing, by kind.",
  ]

  /// Certificates, keys and tokens.
  private static let identity: [String: String] = [
    "sallyport_certificate_not_after_seconds":
      "When a certificate ceases to be valid, in seconds since 1970, by kind: client, issuer, authority or server.",
    "sallyport_certificate_not_before_seconds":
      "When a certificate begins to be valid, in seconds since 1970, by kind: client, issuer, authority or server.",
    "sallyport_credential_generation": "How many generations of the credential files have been taken into use.",
    "sallyport_rotations_total": "Changes of credential files that were acted upon, by kind and result.",
    "sallyport_rotation_last_success_timestamp_seconds":
      "When a changed credential was last taken into use, in seconds since 1970.",
    "sallyport_oauth_requests_total": "Requests to the token endpoint, by result.",
    "sallyport_oauth_token_expiry_timestamp_seconds":
      "When the access token in use ceases to be valid, in seconds since 1970.",
  ]

  /// The process itself.
  private static let process: [String: String] = [
    "process_cpu_seconds_total": "User and system CPU time spent.",
    "process_max_fds": "Most descriptors that may be open.",
    "process_open_fds": "Descriptors open now.",
    "process_resident_memory_bytes": "Memory resident now.",
    "process_start_time_seconds": "When the process started, in seconds since 1970.",
    "process_threads": "Threads of the process now.",
    "process_virtual_memory_bytes": "Address space in use now.",
    "sallyport_confined": "1 for each layer of rights that the worker gave up: files, listening, ports, calls; else 0.",
    "sallyport_build_info": "Always 1; the labels tell what was built.",
    "sallyport_metrics_dropped_series_total":
      "Series that were not kept: over the limit, or under a name of another kind.",
  ]
}

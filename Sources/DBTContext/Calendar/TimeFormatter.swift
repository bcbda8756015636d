/// Python's `strftime` in the C locale on Linux.
enum TimeFormatter {
  static let monthNames = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  /// From Monday.
  static let dayNames = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

  /// The text of a time by a format; codes that are not known stay as they are.
  static func text(_ time: PythonDateTime, format: String) -> String {
    var result = ""
    var scalars = format.unicodeScalars[...]
    while let scalar = scalars.popFirst() {
      guard scalar == "%" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      let rest = scalars
      var flags: [Unicode.Scalar] = []
      while let next = scalars.first, "-_0^#".unicodeScalars.contains(next) { flags.append(scalars.removeFirst()) }
      var width = ""
      while let next = scalars.first, ("0"..."9").contains(next), width.count < 3 {
        width.unicodeScalars.append(scalars.removeFirst())
      }
      // E and O ask for another calendar or other digits, which the C locale does not have.
      if let next = scalars.first, next == "E" || next == "O", !flags.contains(next) { scalars.removeFirst() }
      guard let code = scalars.popFirst(), let field = field(code, time) else {
        result += "%"
        scalars = rest
        continue
      }
      result += styled(field, flags, Int(width))
    }
    return result
  }

  private enum Field {
    case text(String)
    /// A number with its usual width and padding.
    case number(Int, width: Int, pad: Character)
  }

  private static func styled(_ field: Field, _ flags: [Unicode.Scalar], _ width: Int?) -> String {
    var text: String
    switch field {
    case .text(let plain):
      text = plain
      if let width, text.count < width { text = String(repeating: " ", count: width - text.count) + text }
    case .number(let number, let usual, let usualPad):
      let pad: Character = flags.last { "_0".unicodeScalars.contains($0) }.map { $0 == "0" ? "0" : " " } ?? usualPad
      text = flags.contains("-") ? String(number) : Digits.padded(number, width ?? usual, with: pad)
    }
    if flags.contains("^") { text = text.uppercased() }
    if flags.contains("#") { text = text == text.uppercased() ? text.lowercased() : text.uppercased() }
    return text
  }

  private static func field(_ code: Unicode.Scalar, _ time: PythonDateTime) -> Field? {
    dateField(code, time.date) ?? clockField(code, time) ?? compound(code).map { .text(text(time, format: $0)) }
  }

  private static func dateField(_ code: Unicode.Scalar, _ date: PythonDate) -> Field? {
    switch code {
    case "a": .text(String(dayNames[date.weekday].prefix(3)))
    case "A": .text(dayNames[date.weekday])
    case "b", "h": .text(String(monthNames[date.month - 1].prefix(3)))
    case "B": .text(monthNames[date.month - 1])
    case "C": .number(date.year / 100, width: 1, pad: "0")
    case "d": .number(date.day, width: 2, pad: "0")
    case "e": .number(date.day, width: 2, pad: " ")
    case "g": .number(date.isoCalendar.year % 100, width: 2, pad: "0")
    case "G": .number(date.isoCalendar.year, width: 1, pad: "0")
    case "j": .number(date.dayOfYear, width: 3, pad: "0")
    case "m": .number(date.month, width: 2, pad: "0")
    case "u": .number(date.weekday + 1, width: 1, pad: "0")
    case "w": .number((date.weekday + 1) % 7, width: 1, pad: "0")
    case "U": .number((date.dayOfYear + 6 - (date.weekday + 1) % 7) / 7, width: 2, pad: "0")
    case "W": .number((date.dayOfYear + 6 - date.weekday) / 7, width: 2, pad: "0")
    case "V": .number(date.isoCalendar.week, width: 2, pad: "0")
    case "y": .number(date.year % 100, width: 2, pad: "0")
    case "Y": .number(date.year, width: 1, pad: "0")
    default: nil
    }
  }

  private static func clockField(_ code: Unicode.Scalar, _ time: PythonDateTime) -> Field? {
    let clock = time.time
    let half = clock.hour % 12 == 0 ? 12 : clock.hour % 12
    switch code {
    case "H": return .number(clock.hour, width: 2, pad: "0")
    case "I": return .number(half, width: 2, pad: "0")
    case "k": return .number(clock.hour, width: 2, pad: " ")
    case "l": return .number(half, width: 2, pad: " ")
    case "M": return .number(clock.minute, width: 2, pad: "0")
    case "S": return .number(clock.second, width: 2, pad: "0")
    case "f": return .text(Digits.padded(clock.microsecond, 6))
    case "p": return .text(clock.hour < 12 ? "AM" : "PM")
    case "P": return .text(clock.hour < 12 ? "am" : "pm")
    case "s": return .number(Int(time.unixSeconds.rounded(.down)), width: 1, pad: "0")
    case "z": return .text(time.zone?.offsetText(separator: "") ?? "")
    case "Z": return .text(time.zone?.abbreviation ?? "")
    case "n": return .text("\n")
    case "t": return .text("\t")
    case "%": return .text("%")
    default: return nil
    }
  }

  private static func compound(_ code: Unicode.Scalar) -> String? {
    switch code {
    case "c": "%a %b %e %H:%M:%S %Y"
    case "D", "x": "%m/%d/%y"
    case "F": "%Y-%m-%d"
    case "R": "%H:%M"
    case "r": "%I:%M:%S %p"
    case "T", "X": "%H:%M:%S"
    default: nil
    }
  }
}

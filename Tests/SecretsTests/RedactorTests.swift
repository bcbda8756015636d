import Testing

@testable import Secrets

@Suite struct RedactorTests {
  @Test func everyOccurrenceOfAKnownSecretIsReplaced() {
    let redactor = Redactor()
    redactor.register(SharedSecret(copying: "s3cr3t".utf8))
    #expect(redactor.redact("a s3cr3t and s3cr3ts3cr3t.") == "a ***** and **********.")
    #expect(redactor.redact("nothing here") == "nothing here")
  }

  @Test func aSecretThatContainsAnotherDisappearsWhole() {
    let redactor = Redactor()
    redactor.register(SharedSecret(copying: "pass".utf8))
    redactor.register(SharedSecret(copying: "password-long".utf8))
    #expect(redactor.redact("x password-long y pass") == "x ***** y *****")
  }

  @Test func shortValuesAreNotLookedFor() {
    let redactor = Redactor()
    redactor.register(SharedSecret(copying: "abc".utf8))
    redactor.register(SharedSecret(copying: "".utf8))
    #expect(redactor.redact("abcdef") == "abcdef")
  }

  @Test func secretsOfAnyScriptAreFound() {
    let redactor = Redactor()
    redactor.register(SharedSecret(copying: "pässwörd".utf8))
    #expect(redactor.redact("is pässwörd!") == "is *****!")
  }
}

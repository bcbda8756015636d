import Secrets
import Testing

@testable import HTTPDownload

@Suite struct DownloadURLTests {
  private func url(_ text: String) throws -> DownloadURL { try DownloadURL(SharedSecret(copying: text.utf8)) }

  private func whole(_ url: DownloadURL) -> String {
    url.text.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  private func reason(_ body: () throws -> DownloadURL) -> String? {
    do {
      _ = try body()
      return nil
    } catch {
      return (error as? DownloadURL.Fault)?.reason
    }
  }

  @Test func showsNeitherUserNorQuery() throws {
    let address = try url("https://user:s3cret@[2001:db8::1]:8443/a/b.tgz?token=hidden")
    #expect("\(address)" == "https://[2001:db8::1]:8443/a/b.tgz")
    #expect(address.host == "2001:db8::1")
    #expect(address.port == 8443)
    #expect(whole(address) == "https://user:s3cret@[2001:db8::1]:8443/a/b.tgz?token=hidden")
    #expect("\(try url("http://packages.example"))" == "http://packages.example/")
  }

  @Test(arguments: ["file:///etc/passwd", "ftp://x.example/a", "gopher://x.example", "nothing:there"])
  func takesHTTPOnly(text: String) {
    #expect(reason { try url(text) } == "has a scheme other than https and http")
  }

  @Test func refusesWhatCannotBeMeant() {
    #expect(reason { try url("") } == "is empty, longer than 8192 bytes, or holds characters that no URL has")
    #expect(reason { try url("https://x.example/\r\nX: y") }?.contains("characters that no URL has") == true)
    #expect(reason { try url("https://x.example:99999/") } == "is no URL of the form https://host/path")
    #expect(reason { try url("https://") } == "is no URL of the form https://host/path")
    #expect(reason { try url("http://user:pw@x.example/") }?.contains("in the clear: use https://") == true)
    #expect(reason { try url("http://user:pw@127.0.0.1/") } == nil)
  }

  @Test func aPasswordGoesToItsServerOnly() throws {
    let base = try url("https://user:pw@a.example/x/y.tgz")
    #expect(whole(try base.following("/z?q=1")) == "https://user:pw@a.example/z?q=1")
    #expect(whole(try base.following("z")) == "https://user:pw@a.example/x/z")
    #expect(whole(try base.following("https://a.example/z")) == "https://user:pw@a.example/z")
    #expect(whole(try base.following("https://a.example:444/z")) == "https://a.example:444/z")
    #expect(whole(try base.following("https://b.example/z")) == "https://b.example/z")
    #expect(whole(try base.following("//b.example/z")) == "https://b.example/z")
  }

  @Test func aWayNeverLeadsFromTLSToNone() throws {
    let base = try url("https://a.example/x")
    #expect(reason { try base.following("http://a.example/x") } == "is http://, to where https:// does not lead")
    #expect(reason { try base.following("file:///etc/passwd") } == "has a scheme other than https and http")
    #expect(whole(try url("http://a.example/x").following("https://b.example/")) == "https://b.example/")
  }
}

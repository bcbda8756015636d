import Foundation
import Testing

@testable import Worker

@Suite struct ConfigurationProjectsTests {
  let fixture: ConfigurationFixture

  init() throws {
    fixture = try ConfigurationFixture()
    try fixture.write("all/b/dbt_project.yml", "name: b\n")
    try fixture.write("all/a/dbt_project.yml", "name: a\n")
    try fixture.write("all/none/readme.md", "")
    try fixture.write("all/.hidden/dbt_project.yml", "name: hidden\n")
  }

  private func directories(_ values: [String: String]) throws -> [String] {
    let profiles = ["DBT_PROFILES_DIR": fixture.path("profiles")]
    return try fixture.configuration(profiles.merging(values) { $1 }).projects.directories
  }

  @Test func theListComesBeforeTheParentAndThatBeforeTheSingleFolder() throws {
    let a = fixture.path("all/a")
    let b = fixture.path("all/b")
    #expect(try directories(["DBT_PROJECT_DIRS": " \(b), \(a),,\(b)", "DBT_PROJECTS_DIR": "/none"]) == [b, a])
    #expect(try directories(["DBT_PROJECTS_DIR": fixture.path("all")]) == [a, b])
    #expect(try directories([:]) == [fixture.path("project")])
  }

  @Test func variablesInTheListAreReplaced() throws {
    let values = ["DBT_PROJECT_DIRS": "${ROOT_A}/a${EMPTY},${ROOT_A}/b", "ROOT_A": fixture.path("all"), "EMPTY": ""]
    #expect(try directories(values) == [fixture.path("all/a"), fixture.path("all/b")])
    #expect(
      fixture.faults(["DBT_PROJECT_DIRS": "${NOT_SET_X}/a"]).first?.contains("${NOT_SET_X}, which is not set") == true)
    #expect(fixture.faults(["DBT_PROJECT_DIRS": "$HOME/none"]).first?.contains("'$HOME/none'") == true)
  }

  @Test(arguments: ["git+https://host/repo.git#main", "s3://bucket/x", "gs://bucket/x"])
  func remoteProjectsAreRefusedByName(entry: String) {
    #expect(fixture.faults(["DBT_PROJECT_DIRS": entry]).first?.contains("remote project") == true)
    #expect(fixture.faults(["DBT_PROJECT_DIR": entry]).first?.contains("remote project") == true)
  }

  @Test func aProjectWithoutAProfileNeedsTheFolder() throws {
    let faults = fixture.faults(["DBT_PROJECTS_DIR": fixture.path("all")])
    #expect(faults.count == 2 && faults.allSatisfy { $0.hasPrefix("DBT_PROFILES_DIR: not set") })
    #expect(fixture.faults(["DBT_PROFILES_DIR": fixture.path("all")]).first?.contains("no profiles.yml") == true)
  }
}

/// The variables of the worker's restriction of itself.
extension Setting {
  static let confine = Setting(
    "SALLYPORT_CONFINE", .confinement, .choice(ConfinementConfiguration.Mode.allCases.map(\.rawValue)),
    standard: "auto",
    "`auto`: the worker gives up what it does not need, as far as the kernel can: other files and TCP ports (Landlock), "
      + "starting programs and other system calls (seccomp). `required`: no start unless files and calls can be restricted. "
      + "`off`: nothing. See “In a container”.")
  static let confineRead = Setting(
    "SALLYPORT_CONFINE_READ", .confinement, .text, example: "/mnt/shared,/opt/packages",
    "Further files and folders, between commas, that must stay readable: those that no setting, project or profile names."
  )

  static let confinementSettings: [Setting] = [confine, confineRead]
}

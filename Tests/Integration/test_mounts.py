"""How the platform mounts files, as far as the worker can tell."""

import stage


def test_r11_a_file_mounted_by_itself_is_warned_of_at_the_start():
    """A subPath mount never shows a renewed file, so whoever made it must hear of that before the certificate ends."""
    with stage.Stage() as parts:
        worker = parts.worker()
        place = worker.command.index("--remount-ro")
        worker.command[place:place] = ["--ro-bind", parts.certificates.client_crt, "/certs/client.crt"]
        worker.start()
        log = worker.log.read_text()
        assert "'/certs/client.crt' is mounted by itself (subPath)" in log, log
        assert "'/certs/client.key' is mounted by itself" not in log, log
        assert worker.stop() == 0

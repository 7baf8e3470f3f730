"""The benchmark's campaign in a folder of its own: list, templates, database."""

import pathlib
import shutil
import subprocess

from measure import BINARY, ROOT, run


class CampaignFolder:
    def __init__(self, path, recipients, domains=2000):
        self.path = pathlib.Path(path)
        self.recipients = recipients
        for file in (ROOT / "bench/campaign").iterdir():
            shutil.copy(file, self.path)
        self.list = self.path / "customers.csv"
        with open(self.list, "wb") as to:
            subprocess.run([ROOT / "bench/recipients", str(recipients), str(domains)],
                           stdout=to, check=True)
        self.db = self.path / "bench.db"

    def broadside(self, *words, codes=(0,)):
        return run([BINARY, "--db", self.db, "--quiet", *words], codes, cwd=self.path,
                   stderr=None)

    def fresh(self):
        for file in self.path.glob("bench.db*"):
            file.unlink()

    def import_list(self):
        return self.broadside("import", "customers", self.list, "--format", "json")[0]

    def campaign(self, name, port, connections):
        """NAME.yaml against the sink on that port."""
        base = (self.path / "campaign.yaml").read_text()
        file = self.path / f"{name}.yaml"
        file.write_text(f"campaign: {name}\n{base}relay:\n  host: 127.0.0.1\n"
                        f"  port: {port}\n  tls: none\n  connections: {connections}\n"
                        "  messages-per-connection: 1000000\n")
        return file

    def launch(self, campaign, *options):
        return self.broadside("launch", campaign, "--yes", "--progress", "never", *options)[0]

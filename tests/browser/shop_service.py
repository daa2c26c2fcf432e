"""edge: a real store as a child process, with a few articles, a cashier, a manager and a member."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any, Self

import msgspec

from loyalty.ids import uuid7

PIN = {"manager": "2468", "ana": "1234"}
ARTICLES = """sku;name;department;tax_class;price;unit;gtins;item_code
1041453;Milk 3.2 % 1 l;DAIRY;food;1,43;piece;5901234123457;
1041454;Rye bread, sliced 500 g;BAKERY;food;2,29;piece;4006381333931;
1041455;Espresso beans 1 kg;GROCERY;food;14,90;piece;9520000000011;
1041456;Washing powder 3 kg;HOUSEHOLD;standard;11,49;piece;9520000000028;
1041457;신라면 컵 65 g;GROCERY;food;1,15;piece;9520000000035;
1041458;牛乳 1 l;DAIRY;food;1,99;piece;9520000000042;
1041461;Milk chocolate 100 g;SWEETS;food;1,19;piece;9520000000073;
1041462;Żółty ser 200 g;DAIRY;food;3,49;piece;9520000000080;
2000112;Gouda;DAIRY;food;12,90;kg;;12345
"""
MILK, BREAD, ESPRESSO, POWDER = "5901234123457", "4006381333931", "9520000000011", "9520000000028"
_COMMAND = [sys.executable, "-c", "from kiosk.cli import main; main()"]


class Till(msgspec.Struct, frozen=True):
    """A paired till with a signed-in cashier."""

    device: str
    token: str


class ShopService:
    """A store that serves until `close`."""

    def __init__(self, folder: Path, more: str = "", port: int = 0) -> None:
        self._config = folder / "store.toml"
        self._config.write_text(
            f'[store]\nname = "Corner Shop"\ndata_dir = "data"\n[http]\nport = {port}\n'
            f"sign_ins_per_minute = 6000\n{more}"
        )
        init = [*_COMMAND, "init", "--config", str(self._config), "--pin", PIN["manager"], "--json"]
        made = subprocess.run(init, check=False, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        self.start()
        try:
            self._stock(json.loads(made.stdout)["pairing_code"])
        except BaseException:
            self.kill()
            raise

    def start(self) -> None:
        """Serve; after a `kill` once more."""
        log = self._config.with_name("store.log")
        with log.open("w") as output:
            serve = [*_COMMAND, "store", "--config", str(self._config)]
            self._process = subprocess.Popen(serve, stdout=output, stderr=output)
        try:
            self.address = self._await_address(log)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """What a power cut leaves."""
        self._process.kill()
        self._process.wait()

    def _await_address(self, log: Path) -> str:
        """The address that the service names once it listens; port 0 lets the system choose it."""
        for _ in range(1200):
            found = re.search(r"http://\S+(?=/till)", log.read_text())
            if found is not None:
                return found[0]
            assert self._process.poll() is None, log.read_text()
            time.sleep(0.1)
        raise AssertionError(log.read_text())

    def _stock(self, code: str) -> None:
        device = self.call("POST", "/v1/pairings", {"code": code, "device": {"name": "Office", "kind": "till"}})[
            "token"
        ]
        self.manager = self.sign_in(device, "manager")
        self.call(
            "PUT", "/v1/operators/ana", {"name": "Ana Lindqvist", "role": "cashier", "pin": PIN["ana"]}, self.manager
        )
        taken = self.call("POST", "/v1/product-imports", ARTICLES.encode(), self.manager)
        assert taken["problem_count"] == 0
        new_member = {"id": str(uuid.uuid4()), "locale": "en", "name": "Maria Kowalska", "phone": "600 100 200"}
        self.member = self.call("POST", "/v1/members", new_member, self.manager)

    def sign_in(self, device: str, operator: str) -> str:
        """The operator's token."""
        answer = self.call("POST", "/v1/sign-ins", {"operator": operator, "pin": PIN[operator]}, device)
        return str(answer["token"])

    def pairing_code(self) -> str:
        """A code for one more till."""
        return str(self.call("POST", "/v1/pairing-codes", {"kind": "till"}, self.manager)["code"])

    def new_till(self, *, float_minor: int | None = 10_000, operator: str = "ana") -> Till:
        """A till of its own for a test, with an open shift unless `float_minor` is None."""
        paired = {"code": self.pairing_code(), "device": {"name": "Till", "kind": "till"}}
        device = self.call("POST", "/v1/pairings", paired)["token"]
        till = Till(device, self.sign_in(device, operator))
        if float_minor is not None:
            self.call("POST", "/v1/shifts", {"id": new_id(), "float_minor": float_minor}, till.token)
        return till

    def sales_of(self, till: Till) -> list[dict[str, Any]]:
        """The sales of this till's open shift, as the service answers them."""
        name = self.call("GET", "/v1/store", None, till.token)["till"]
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.call("GET", f"/v1/sales?limit=200{after}", None, self.manager)
            found += [sale for sale in page["items"] if sale["till"] == name]
            if page["next"] is None:
                return [self.call("GET", f"/v1/sales/{sale['id']}", None, self.manager) for sale in found]
            after = f"&after={page['next']}"

    def call(
        self, method: str, path: str, body: object = None, token: str = "", more: dict[str, str] | None = None
    ) -> Any:  # noqa: ANN401  decoded JSON
        """Ask the service; raises HTTPError for a refusal."""
        headers = {"Content-Type": "text/csv" if isinstance(body, bytes) else "application/json", **(more or {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def change_price(self, sku: str, price_minor: int) -> None:
        """Head office changes its mind while the basket is full."""
        request = urllib.request.Request(
            f"{self.address}/v1/products/{sku}", headers={"Authorization": f"Bearer {self.manager}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            tag, product = answer.headers["ETag"], json.loads(answer.read())
        fields = ("name", "department", "tax_class", "unit", "gtins", "item_code", "active")
        body = {**{field: product[field] for field in fields}, "price_minor": price_minor}
        put = urllib.request.Request(
            f"{self.address}/v1/products/{sku}", data=json.dumps(body).encode(), method="PUT",
            headers={"Authorization": f"Bearer {self.manager}", "Content-Type": "application/json", "If-Match": tag},
        )  # fmt: skip
        with urllib.request.urlopen(put, timeout=60) as answer:
            assert answer.status == 200

    def wait(self) -> None:
        """A moment, between two looks."""
        time.sleep(0.1)

    def close(self) -> None:
        """Stop the store as systemd would."""
        self._process.terminate()
        assert self._process.wait(timeout=120) == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def new_id() -> str:
    """A UUIDv7."""
    return str(uuid7(time.time_ns() // 1_000_000, os.urandom(10)))

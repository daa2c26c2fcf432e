"""Who may sign in at head office, and what a wrong password costs."""

from tests.sync.hub.hubkit import PASSWORD, RunningHub

NEW = "another good password"


async def save(hub: RunningHub, name: str, **body: object) -> tuple[int, dict[str, object]]:
    return await hub.call("PUT", f"/v1/users/{name}", body, token=await hub.office())


async def sign_in(hub: RunningHub, user: str, password: str) -> tuple[int, dict[str, object]]:
    return await hub.call("POST", "/v1/sign-ins", {"user": user, "password": password})


async def test_a_viewer_reads_and_changes_nothing(small_hub: RunningHub) -> None:
    hub = small_hub
    assert (await save(hub, "vera", role="viewer", password=NEW))[0] == 200
    status, answer = await sign_in(hub, "  Vera ", NEW)
    assert (status, answer["role"]) == (201, "viewer")
    token = str(answer["token"])
    assert (await hub.call("GET", "/v1/stores", token=token))[0] == 200
    assert (await hub.call("GET", "/v1/incidents", token=token))[0] == 200
    store = {"id": hub.new_id(), "code": "S001", "name": "One"}
    for method, path, body in (
        ("POST", "/v1/stores", store),
        ("GET", "/v1/users", None),
        ("PUT", "/v1/users/vera", {"role": "head_office"}),
        ("POST", f"/v1/incidents/{hub.new_id()}/resolve", {"resolution": "x"}),
    ):
        assert (await hub.call(method, path, body, token=token))[0] == 403, path


async def test_wrong_passwords_lock_a_user_for_longer_each_time(small_hub: RunningHub) -> None:
    hub = small_hub
    for _ in range(5):
        assert (await sign_in(hub, "office", "wrong wrong wrong"))[1]["code"] == "wrong_password"
    status, answer = await sign_in(hub, "office", PASSWORD)
    assert (status, answer["code"], answer["retry_after_s"]) == (423, "user_locked", 300)
    hub.clock.now_ms += 300_000
    for _ in range(5):
        await sign_in(hub, "office", "wrong wrong wrong")
    assert (await sign_in(hub, "office", PASSWORD))[1]["retry_after_s"] == 600
    hub.clock.now_ms += 600_000
    assert (await sign_in(hub, "office", PASSWORD))[0] == 201


async def test_nobody_learns_from_the_answer_whether_a_user_exists(small_hub: RunningHub) -> None:
    nobody, somebody = [await sign_in(small_hub, user, "wrong wrong wrong") for user in ("nobody", "office")]
    same = ("code", "status", "detail", "hint")
    assert [nobody[1][name] for name in same] == [somebody[1][name] for name in same]


async def test_a_token_ends_with_its_time_its_sign_out_and_a_new_password(small_hub: RunningHub) -> None:
    hub = small_hub
    await save(hub, "olaf", role="head_office", password=NEW)
    ended, changed, timed = [str((await sign_in(hub, "olaf", NEW))[1]["token"]) for _ in range(3)]
    assert (await hub.call("DELETE", "/v1/sign-ins", token=ended))[0] == 204
    assert (await hub.call("GET", "/v1/stores", token=ended))[0] == 401
    assert (await hub.call("GET", "/v1/stores", token=changed))[0] == 200
    hub.clock.now_ms += 12 * 3_600_000
    assert (await hub.call("GET", "/v1/stores", token=timed))[0] == 401
    hub.clock.now_ms -= 12 * 3_600_000
    await save(hub, "olaf", role="head_office", password=NEW + "!")
    assert (await hub.call("GET", "/v1/stores", token=changed))[0] == 401
    assert (await sign_in(hub, "olaf", NEW))[1]["code"] == "wrong_password"


async def test_a_closed_user_is_out_at_once_and_the_last_of_head_office_stays(small_hub: RunningHub) -> None:
    hub = small_hub
    await save(hub, "olaf", role="head_office", password=NEW)
    token = str((await sign_in(hub, "olaf", NEW))[1]["token"])
    assert (await save(hub, "olaf", role="head_office", active=False))[0] == 200
    assert (await hub.call("GET", "/v1/stores", token=token))[0] == 401
    assert (await sign_in(hub, "olaf", NEW))[1]["code"] == "wrong_password"
    for body in ({"role": "viewer"}, {"role": "head_office", "active": False}):
        assert (await save(hub, "office", **body))[1]["code"] == "last_head_office_user"


async def test_names_and_passwords_that_cannot_be_used_are_refused(small_hub: RunningHub) -> None:
    hub = small_hub
    for name, password in (("Olaf", NEW), ("o l", NEW), ("-o", NEW), ("olaf", "short"), ("olaf", "with\ttab and more")):
        assert (await save(hub, name, role="viewer", password=password))[1]["code"] == "user_unfit"
    assert (await save(hub, "olaf", role="viewer"))[1]["code"] == "user_unfit"


async def test_tokens_that_ended_are_swept_away_and_no_password_lies_in_the_file(small_hub: RunningHub) -> None:
    hub = small_hub
    await sign_in(hub, "office", PASSWORD)
    hub.clock.now_ms += 13 * 3_600_000
    await hub.hub.upkeep.sweep_now()
    left = await hub.hub.database.read(lambda tx: tx.execute("SELECT COUNT(*) FROM hub_token").fetchone())
    assert left == (0,)
    assert PASSWORD.encode() not in (hub.hub.folder / "hub.sqlite").read_bytes()

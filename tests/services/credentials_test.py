#!/usr/bin/env python3
"""Every source of AWS keys, against small endpoints on loopback and moto's STS: which keys sign the request, and when they are renewed."""
import json

from services import *

EMPTY_LIST = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}


def expires(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def keys_json(name, seconds=3600):
    return json.dumps({"AccessKeyId": name, "SecretAccessKey": f"secret-of-{name}", "Token": f"token-of-{name}", "Expiration": expires(seconds)}).encode()


class Fixed(Proxy):
    """Answers by itself: the rule decides."""

    def __init__(self, rule):
        super().__init__("http://127.0.0.1:9", rule)


def signer(request):
    return request["headers"].get("authorization", "").split("Credential=")[-1].split("/")[0]


def main(s3, sts, work):
    def ask(options=(), operation=("list", "s3://bucket/"), **environment):
        s3.reset(s3.rule)
        env = {**CLEAN, "HOME": str(work), "AWS_EC2_METADATA_DISABLED": "true", **environment}
        extra = [part for o in (f"s3.endpoint={s3.endpoint}", *options) for part in ("-o", o)]
        return subprocess.run([PROBE, *extra, *operation], capture_output=True, text=True, env=env, timeout=60)

    def last():
        return signer(s3.requests[-1]), s3.requests[-1]["headers"].get("x-amz-security-token", "")

    none = ask()
    check("no keys anywhere", none.returncode, 1)
    check_in("says what was tried", "none in the connection, in AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, profile 'default'", none.stderr)
    check("options", (ask(["s3.access-key-id=GIVEN", "s3.secret-access-key=x", "s3.session-token=t"], AWS_ACCESS_KEY_ID="AROUND", AWS_SECRET_ACCESS_KEY="y").returncode, last()), (0, ("GIVEN", "t")))
    check("environment", (ask(AWS_ACCESS_KEY_ID="AROUND", AWS_SECRET_ACCESS_KEY="y", AWS_SESSION_TOKEN="z", AWS_REGION="eu-west-3").returncode, last()), (0, ("AROUND", "z")))
    check_in("the region of the environment", "/eu-west-3/s3/", s3.requests[-1]["headers"]["authorization"])
    check("anonymous", (ask(["s3.anonymous=true"]).returncode, "authorization" in s3.requests[-1]["headers"]), (0, False))

    (work / ".aws").mkdir()
    (work / ".aws/credentials").write_text("[default]\naws_access_key_id = OFDEFAULT\naws_secret_access_key = a\n# comment\n[base]\naws_access_key_id=OFBASE\naws_secret_access_key=b\naws_session_token=c\n")
    (work / ".aws/config").write_text("[default]\nregion = ap-south-1\ns3 =\n    addressing_style = path\n[profile role]\nrole_arn = arn:aws:iam::123456789012:role/loader\nsource_profile = base\nexternal_id = ours-42\nrole_session_name = night\nduration_seconds = 900\n[profile loop]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = loop2\n[profile loop2]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = loop\n[profile sso]\nsso_start_url = https://x\n[profile env]\nrole_arn = arn:aws:iam::123456789012:role/loader\ncredential_source = Environment\n")
    check("profile file", (ask().returncode, last()), (0, ("OFDEFAULT", "")))
    check_in("the region of the profile", "/ap-south-1/s3/", s3.requests[-1]["headers"]["authorization"])
    check("AWS_PROFILE", (ask(AWS_PROFILE="base").returncode, last()), (0, ("OFBASE", "c")))
    check("profile by option, before the environment", (ask(["client.profile=base"], AWS_ACCESS_KEY_ID="AROUND", AWS_SECRET_ACCESS_KEY="y").returncode, last()[0]), (0, "OFBASE"))
    check_in("no such profile", "there is no profile 'nix'", ask(["client.profile=nix"]).stderr)
    check_in("profiles in a circle", "goes round in a circle", ask(["client.profile=loop"], AWS_ENDPOINT_URL_STS=sts.endpoint).stderr)
    check_in("single sign-on", "aws configure export-credentials --profile sso", ask(["client.profile=sso"]).stderr)
    sts.reset()
    check("a profile that assumes a role", ask(["client.profile=role"], AWS_ENDPOINT_URL_STS=sts.endpoint).returncode, 0)
    check("by the source profile", signer(sts.requests[-1]), "OFBASE")
    for part in ("Action=AssumeRole&", "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Floader", "ExternalId=ours-42", "RoleSessionName=night", "DurationSeconds=900"):
        check_in("asks STS", part, sts.requests[-1]["body"].decode())
    check("signs with the role's keys", (last()[0].startswith("ASIA"), len(last()[1]) > 20), (True, True))
    check("credential_source = Environment", (ask(["client.profile=env"], AWS_ENDPOINT_URL_STS=sts.endpoint, AWS_ACCESS_KEY_ID="AROUND", AWS_SECRET_ACCESS_KEY="y").returncode, signer(sts.requests[-1])), (0, "AROUND"))
    role = ["s3.access-key-id=GIVEN", "s3.secret-access-key=x", "client.assume-role.arn=arn:aws:iam::123456789012:role/floe", "client.assume-role.external-id=tenant-7", f"sts.endpoint={sts.endpoint}"]
    check("a role by option", (ask(role).returncode, last()[0].startswith("ASIA"), signer(sts.requests[-1])), (0, True, "GIVEN"))
    check_in("with its external id", "ExternalId=tenant-7", sts.requests[-1]["body"].decode())
    sts.reset(lambda r: ("status", 403, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not yours</Message></Error></ErrorResponse>"))
    refused = ask(role)
    check_in("a refused role", "assuming role arn:aws:iam::123456789012:role/floe: status 403 AccessDenied not yours", refused.stderr)
    sts.reset(first(2, ("status", 503, b"")))
    check("STS that is busy", ask(role).returncode, 0)
    sts.reset()
    (work / "token").write_text("web.identity.token\n")
    check("web identity", ask(AWS_WEB_IDENTITY_TOKEN_FILE=str(work / "token"), AWS_ROLE_ARN="arn:aws:iam::123456789012:role/pod", AWS_ENDPOINT_URL_STS=sts.endpoint).returncode, 0)
    check_in("asks STS without keys", "Action=AssumeRoleWithWebIdentity", sts.requests[-1]["body"].decode())
    check("unsigned", ("authorization" in sts.requests[-1]["headers"], b"WebIdentityToken=web.identity.token" in sts.requests[-1]["body"]), (False, True))
    shutil.rmtree(work / ".aws")

    ecs = Fixed(lambda r: ("status", 200, keys_json("OFTASK")) if r["headers"].get("authorization") == "Bearer of-task" else ("status", 401, b""))
    (work / "ecs-token").write_text("Bearer of-task\n")
    check("a container's keys", (ask(AWS_CONTAINER_CREDENTIALS_FULL_URI=ecs.endpoint + "/v2/keys?id=1", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(work / "ecs-token")).returncode, last()), (0, ("OFTASK", "token-of-OFTASK")))
    check_in("a refusal", "container's credentials endpoint gave no keys: status 401", ask(AWS_CONTAINER_CREDENTIALS_FULL_URI=ecs.endpoint).stderr)
    check_in("not to just any host in the clear", "must be https or an address of this host", ask(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://example.com/").stderr)

    number = [0]

    def machine(request):
        if request["method"] == "PUT" and request["path"] == "/latest/api/token":
            return ("status", 200, b"imds-token") if "x-aws-ec2-metadata-token-ttl-seconds" in request["headers"] else ("status", 400, b"")
        if request["headers"].get("x-aws-ec2-metadata-token") != "imds-token":
            return ("status", 401, b"")
        if request["path"].endswith("/security-credentials/"):
            return ("status", 200, b"floe-role\n")
        number[0] += 1
        return ("status", 200, keys_json(f"OFMACHINE{number[0]}", 4))

    imds = Fixed(machine)
    on = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.endpoint}
    check("the machine's role, by IMDSv2", (ask(**on).returncode, last()), (0, ("OFMACHINE1", "token-of-OFMACHINE1")))
    check("keys are renewed before they end", ask(operation=("watch", "s3://bucket/", "8"), **on).returncode, 0)
    names = [signer(r) for r in s3.requests]
    check("several times in 8 s of 4 s keys", len(set(names)) >= 3, True)
    number[0] = 0
    imds.reset(lambda r: machine(r) if number[0] < 1 else ("status", 500, b""))
    check("a failing renewal does not end what is still good", ask(operation=("watch", "s3://bucket/", "3"), **on).returncode, 0)

    # the service says that the keys have ended
    number[0] = 0
    imds.reset(machine)
    ended = s3_error(400, "ExpiredToken")
    rule = first(1, ended)
    s3.reset(lambda r: rule(r) or ("status", 200, EMPTY_LIST))
    env = {**CLEAN, "HOME": str(work), **on}
    done = subprocess.run([PROBE, "-o", f"s3.endpoint={s3.endpoint}", "list", "s3://bucket/"], capture_output=True, text=True, env=env, timeout=60)
    check("keys that the service calls expired are replaced", (done.returncode, [signer(r) for r in s3.requests]), (0, ["OFMACHINE1", "OFMACHINE2"]))
    # another region than thought
    s3.reset(lambda r: ("status", 200, EMPTY_LIST) if "/eu-north-1/" in r["headers"]["authorization"] else ("status", 400, b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-north-1</Region></Error>"))
    done = subprocess.run([PROBE, "-o", f"s3.endpoint={s3.endpoint}", "-o", "s3.access-key-id=A", "-o", "s3.secret-access-key=B", "list", "s3://bucket/"], capture_output=True, text=True, env=env, timeout=60)
    check("a bucket elsewhere", (done.returncode, len(s3.requests)), (0, 2))
    for body in (b"no json: secret-text", b'{"AccessKeyId": 1}', b'{"AccessKeyId": "a", "SecretAccessKey": "secret-text", "Expiration": "soon"}'):
        bad = Fixed(lambda r: ("status", 200, body))
        failed_ = ask(AWS_CONTAINER_CREDENTIALS_FULL_URI=bad.endpoint)
        check("an answer that is none", (failed_.returncode, "secret-text" in failed_.stderr), (1, False))


work = pathlib.Path(tempfile.mkdtemp(prefix="floe-credentials-"))
try:
    s3 = Fixed(lambda r: ("status", 200, EMPTY_LIST))
    s3.rule = lambda r: ("status", 200, EMPTY_LIST)
    moto = Moto()
    main(s3, Proxy(moto.endpoint), work)
finally:
    stop_all()
    shutil.rmtree(work, ignore_errors=True)
finish()

"""What a boto3 program does with sessions, commands, documents and parameters:
paginators and waiters included. Run by TestBoto3DoesTheRest."""

import sys

import boto3
from botocore.exceptions import ClientError

url, instance = sys.argv[1:]
ssm = boto3.client("ssm", endpoint_url=url)


def refused(code, call, **params):
    try:
        call(**params)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response["Error"]["Message"]
    raise AssertionError(f"{call.__name__} was not refused with {code}")


# Instances.
assert ssm.get_connection_status(Target=instance)["Status"] == "connected"
for by in ({"Filters": [{"Key": "InstanceIds", "Values": [instance]}]},
           {"InstanceInformationFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}]}):
    pages = ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 5}, **by)
    found = [i for page in pages for i in page["InstanceInformationList"]]
    assert [i["InstanceId"] for i in found] == [instance], found
    assert found[0]["PingStatus"] == "Online" and found[0]["AgentVersion"] == "3.3.987.0", found

# Documents.
pages = ssm.get_paginator("list_documents").paginate(Filters=[{"Key": "Owner", "Values": ["Amazon"]}], PaginationConfig={"PageSize": 1})
names = [d["Name"] for page in pages for d in page["DocumentIdentifiers"]]
assert len(names) == 6 and names == sorted(names), names
document = ssm.describe_document(Name="AWS-RunShellScript")["Document"]
assert document["Owner"] == "Amazon" and [p["Name"] for p in document["Parameters"]] == ["commands", "workingDirectory", "executionTimeout"]
assert ssm.get_document(Name="SSM-SessionManagerRunShell", DocumentFormat="YAML")["DocumentFormat"] == "YAML"
assert ssm.list_document_versions(Name="AWS-StartSSHSession")["DocumentVersions"][0]["IsDefaultVersion"]
assert ssm.describe_document_permission(Name="AWS-StartSSHSession", PermissionType="Share")["AccountIds"] == []
refused("InvalidDocument", ssm.get_document, Name="Nothing")

# A command, waited for.
command = ssm.send_command(InstanceIds=[instance], DocumentName="AWS-RunShellScript", Parameters={"commands": ["echo from boto3"]})["Command"]
ssm.get_waiter("command_executed").wait(CommandId=command["CommandId"], InstanceId=instance, WaiterConfig={"Delay": 1})
result = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=instance)
assert result["Status"] == "Success" and result["StandardOutputContent"] == "from boto3\n", result
pages = ssm.get_paginator("list_command_invocations").paginate(CommandId=command["CommandId"], Details=True)
plugins = [p for page in pages for i in page["CommandInvocations"] for p in i["CommandPlugins"]]
assert [p["Output"] for p in plugins] == ["from boto3\n"], plugins
assert ssm.list_commands(CommandId=command["CommandId"])["Commands"][0]["CompletedCount"] == 1
refused("InvalidParameters", ssm.send_command, InstanceIds=[instance], DocumentName="AWS-RunShellScript")
refused("InvalidCommandId", ssm.cancel_command, CommandId="12345678-1234-4234-9234-123456789012")

# A session.
session = ssm.start_session(Target=instance, Reason="boto3")
assert session["StreamUrl"].startswith("ws://") and "X-Amz" not in session["StreamUrl"], session
again = ssm.resume_session(SessionId=session["SessionId"])
assert again["TokenValue"] != session["TokenValue"]
pages = ssm.get_paginator("describe_sessions").paginate(State="Active", Filters=[{"key": "Target", "value": instance}])
assert [s["Reason"] for page in pages for s in page["Sessions"]] == ["boto3"]
ssm.terminate_session(SessionId=session["SessionId"])
assert "TokenValue" not in ssm.resume_session(SessionId=session["SessionId"])
refused("DoesNotExistException", ssm.resume_session, SessionId="nobody")
message = refused("TargetNotConnected", ssm.start_session, Target="i-0123456789abcdef0")
assert message == "i-0123456789abcdef0 is not connected.", message

# The parameters that everybody looks up.
image = "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"
assert ssm.get_parameter(Name=image)["Parameter"]["Value"] == "ami-00000000000000001"
assert ssm.get_parameters(Names=[image, "/mine"])["InvalidParameters"] == ["/mine"]
pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/aws/service", Recursive=True, PaginationConfig={"PageSize": 1})
assert image in [p["Name"] for page in pages for p in page["Parameters"]]
refused("ParameterNotFound", ssm.get_parameter, Name="/mine")

# An operation that is not served says so.
assert "not served" in refused("UnsupportedOperationException", ssm.describe_patch_baselines)
print("ok")

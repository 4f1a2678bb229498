"""One question by boto3, as a workload would ask it: prints a JSON object with the answer or the error."""

import json
import os
import sys

import boto3
import botocore.exceptions
from botocore import UNSIGNED
from botocore.config import Config


def web_identity(sts, arguments):
    return sts.assume_role_with_web_identity(**arguments)


def saml(sts, arguments):
    return sts.assume_role_with_saml(**arguments)


def from_token_file(_sts, _arguments):
    """The whole chain: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN become credentials, which sign a request."""
    session = boto3.Session()
    identity = session.client("sts", endpoint_url=os.environ["DAYPASS_URL"]).get_caller_identity()
    return identity


def caller(sts, _arguments):
    return sts.get_caller_identity()


def presigned_caller(sts, arguments):
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=arguments.get("ExpiresIn", 60), HttpMethod="GET")
    return {"url": url}


def iam(_sts, arguments):
    client = boto3.client("iam", endpoint_url=os.environ["DAYPASS_URL"], config=Config(retries={"total_max_attempts": 1}))
    return getattr(client, arguments["call"])(**arguments["parameters"])


def put_object(_sts, arguments):
    s3 = boto3.client("s3", endpoint_url=os.environ["S3_URL"], config=Config(s3={"addressing_style": "path"}))
    return s3.put_object(**arguments)


def get_object(_sts, arguments):
    s3 = boto3.client("s3", endpoint_url=os.environ["S3_URL"], config=Config(s3={"addressing_style": "path"}))
    answer = s3.get_object(**arguments)
    return {**answer, "Body": answer["Body"].read().decode()}


def main():
    question, arguments = sys.argv[1], json.loads(sys.argv[2])
    unsigned = question in ("web_identity", "saml")
    config = Config(signature_version=UNSIGNED) if unsigned else Config(retries={"total_max_attempts": 1})
    sts = boto3.client("sts", endpoint_url=os.environ["DAYPASS_URL"], config=config)
    try:
        answer = globals()[question](sts, arguments)
    except botocore.exceptions.ClientError as error:
        answer = {**error.response, "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
    print(json.dumps(answer, default=str))


main()

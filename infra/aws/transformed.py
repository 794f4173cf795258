"""Prints a SAM template as the CloudFormation template that AWS makes of it, so that cfn-lint sees what is deployed.

Checking the source alone misses what only the result shows, such as a bad value of InvokeMode.
"""

import json
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform


class NoPolicies:
    """The template names no managed policies: none are loaded."""

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        # The translator takes no local files.
        resource["Properties"]["CodeUri"] = "s3://bucket/key"
json.dump(transform(template, {}, NoPolicies()), sys.stdout, indent=1)

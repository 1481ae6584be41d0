"""AWS::SecretsManager::Secret: its Ref is its ARN, and GenerateSecretString says which characters it has.

Defects: Ref gives the name, which a policy then allows in place of the ARN; and there is punctuation in spite of
ExcludePunctuation. GetRandomPassword, which has the same parameters, honours that one:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
"""

import json
from typing import Any

from infra.local.ministack import provisioners, secretsmanager
from infra.local.patches.cloudformation.provisioning import Properties, Provision, require

_stock_secret_string = provisioners._sm_secret_string
_stock_delete = provisioners._sm_secret_delete


def install() -> None:
    provisioners._sm_secret_string = secret_string
    handler = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    handler |= {"create": known_by_arn(handler["create"]), "update": updating(handler["update"]), "delete": delete}


def secret_string(properties: Properties) -> str:
    wanted = properties.get("GenerateSecretString")
    if not wanted or properties.get("SecretString"):
        return _stock_secret_string(properties)
    answer = secretsmanager._get_random_password(wanted)
    require(answer)
    password = json.loads(answer[2])["RandomPassword"]
    if "SecretStringTemplate" not in wanted:
        return password
    return json.dumps({**json.loads(wanted["SecretStringTemplate"]), wanted["GenerateStringKey"]: password})


def known_by_arn(provision: Provision) -> Provision:
    def provision_secret(*args: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        _name, attributes = provision(*args, **kwargs)
        return attributes["Arn"], attributes

    return provision_secret


def updating(update: Provision) -> Provision:
    def update_secret(arn: str, *args: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        return update(name_of(arn), *args, **kwargs)

    return known_by_arn(update_secret)


def delete(arn: str, properties: Properties) -> None:
    _stock_delete(name_of(arn), properties)


def name_of(arn: str) -> str:
    """The name under which the emulator keeps it; a stack of an earlier time knows it by that."""
    return next((name for name, secret in secretsmanager._secrets.items() if secret["ARN"] == arn), arn)

"""AWS::SecretsManager::Secret: what GenerateSecretString says of the characters.

Defect: a template's secret has punctuation, though ExcludePunctuation is set; GetRandomPassword, whose parameters
the properties are, honours it: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
"""

import json

from infra.local.provisioning import Properties, require
from infra.local.stock import provisioners, secretsmanager

_stock_secret_string = provisioners._sm_secret_string


def install() -> None:
    provisioners._sm_secret_string = secret_string


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

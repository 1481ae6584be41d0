"""The environment of a local Python function: Lambda's variables, the function's own, and nothing of the server's."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from infra.local.ministack import lambda_runtime, lambda_svc
from infra.local.patches.lambda_ import logs

Config = dict[str, Any]


def variables(config: Config, code_dir: str, runtime_api_port: int) -> dict[str, str]:
    """All of the process's variables; also makes the folder that stands in for Lambda's /tmp."""
    scratch = scratch_folder(runtime_api_port)
    scratch.mkdir()
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{lambda_svc._GATEWAY_PORT}",
        lambda_runtime.HOST_PREFIX_ENV: "true",
        **lambda_svc._runtime_env_vars(config),
        **sandbox_variables(scratch),
        **runtime_variables(config),
        **{name: value for name, value in lambda_runtime.execution_credentials(config).items() if value},
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime_api_port}",
        "LAMBDA_TASK_ROOT": code_dir,
    }


def remove_scratch(runtime_api_port: int) -> None:
    shutil.rmtree(scratch_folder(runtime_api_port), ignore_errors=True)


def scratch_folder(runtime_api_port: int) -> Path:
    """One per runtime API, and so per process."""
    return Path(tempfile.gettempdir()) / f"lambda-{runtime_api_port}"


def sandbox_variables(scratch: Path) -> dict[str, str]:
    """What stands in for Lambda's own file system and network: nothing of the user's AWS settings gets in."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def runtime_variables(config: Config) -> dict[str, str]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime"""
    _account, region = lambda_runtime._account_region_from_function_config(config)
    name, version = config["FunctionName"], config.get("Version", "$LATEST")
    logging: Config = config.get("LoggingConfig") or {}
    level = logging.get("ApplicationLogLevel")
    return {
        "_HANDLER": config["Handler"],
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": logs.group_name(config),
        "AWS_LAMBDA_LOG_STREAM_NAME": config["LogStream"],
        "AWS_LAMBDA_LOG_FORMAT": logging.get("LogFormat") or "Text",
    } | ({"AWS_LAMBDA_LOG_LEVEL": level} if level else {})

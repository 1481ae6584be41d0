"""Paths, templates, Choice rules and intrinsic functions are evaluated by the engine's modules of these names.

Stock yields null for a path that finds nothing, or for one with a filter or slice, so that a typing error in a
definition goes unnoticed; knows a third of the Choice operators for paths and takes the wrong branch for the others;
takes booleans for numbers; and is lenient with intrinsic functions. The emulator's own helpers are replaced, so that
all fields are patched.
"""

from infra.local.engine import choices, paths
from infra.local.ministack import stepfunctions as sf


def install() -> None:
    sf._resolve_path = paths.select
    sf._resolve_ctx_path = paths.select_from_context
    sf._resolve_path_or_ctx = paths.select_from_either
    sf._resolve_params_obj = paths.fill_template
    sf._apply_parameters = paths.apply_parameters
    sf._apply_result_selector = paths.apply_result_selector
    sf._apply_result_path_raw = paths.put_result
    sf._evaluate_rule = choices.rule_holds
    sf._evaluate_intrinsic = paths.compute

"""What a deployment needs so that it can be undone: versions, the live alias, and the tools that deploy.

Commands that release or roll back are in workflow/operator/.
"""

"""Tools for those who operate a deployed Sluice: client, operations, costs, commands, console.

It may import everything below it. Nothing that runs in a Lambda function or makes a template may import it.
"""

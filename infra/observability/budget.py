"""What a stage may cost in a month, by the tag `stage` that all of its resources have.

The account's owner has to activate that tag for cost allocation once; until then AWS counts nothing here.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from infra.observability.runbook import alarm_name
from infra.observability.topic import AlarmTopic
from infra.stages.settings import Settings

TOLD_AT = (("ACTUAL", 80), ("FORECASTED", 100))
"""Percent of the limit that was spent, or will be at this pace."""


def monthly_budget(scope: Construct, settings: Settings, topic: AlarmTopic) -> None:
    topic.let_publish("budgets.amazonaws.com")
    subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic.topic_arn)
    told = [
        budgets.CfnBudget.NotificationWithSubscribersProperty(
            notification=budgets.CfnBudget.NotificationProperty(
                notification_type=kind,
                comparison_operator="GREATER_THAN",
                threshold=percent,
                threshold_type="PERCENTAGE",
            ),
            subscribers=[subscriber],
        )
        for kind, percent in TOLD_AT
    ]
    made = budgets.CfnBudget(
        scope,
        "Budget",
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_name=alarm_name(settings, "budget"),
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(
                amount=settings.observability.monthly_budget_dollars, unit="USD"
            ),
            cost_filters={"TagKeyValue": [f"user:stage${settings.stage}"]},
        ),
        notifications_with_subscribers=told,
    )
    made.node.add_dependency(topic)  # Budgets tries the topic's policy when it is told of the topic

"""Types of vendors that n8n 2.41 has a class per version of: see `runtime.nodes.CLASS_PER_VERSION`."""

from typing import Final

__all__ = ["VENDOR_CLASS_PER_VERSION"]

VENDOR_CLASS_PER_VERSION: Final = frozenset(
    f"n8n-nodes-base.{name}"
    for name in (
        "Brandfetch", "airtable", "awsS3", "calTrigger", "calendlyTrigger", "discord", "gmail",
        "googleAnalytics", "googleBigQuery", "googleDrive", "googleSheets", "highLevel", "hubspot", "kafka",
        "kafkaTrigger", "lemlist", "mailerLite", "mailerLiteTrigger", "mattermost", "messageAnAgent",
        "microsoftExcel", "microsoftOutlook", "microsoftSharePoint", "microsoftTeams", "nocoDb", "notion",
        "odoo", "perplexity", "pipedrive", "seaTable", "seaTableTrigger", "slack", "splunk", "syncroMsp",
        "todoist", "twitter", "webflow", "webflowTrigger",
    )
) | {"@n8n/n8n-nodes-langchain.openAi"}  # fmt: skip

"""Vector Store Retriever: how many documents of a store an answer is made from."""

from runtime.contract import Dynamic, SubNode, param


class RetrieverVectorStore(SubNode):
    """Joins a chain to a store."""

    type = "@n8n/n8n-nodes-langchain.retrieverVectorStore"
    versions = (1,)
    connection = "ai_retriever"

    top_k: Dynamic[int] = param(4)

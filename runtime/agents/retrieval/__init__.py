"""Retrieval: document loaders, text splitters, embeddings, vector stores, retrievers, rerankers."""

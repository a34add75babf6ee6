"""What the API answers with, as models: its OpenAPI document is made of them."""

# OpenBao (Vault-compatible) for compose.yaml: persistent, unsealed by a static key, set up by itself at its first start.
# Put a real seal (KMS, HSM, transit) and TLS here before anybody depends on it.
listener "tcp" {
  address     = "0.0.0.0:8200"
  tls_disable = true
}

storage "raft" {
  path    = "/openbao/file"
  node_id = "one"
}

api_addr     = "http://127.0.0.1:8200"
cluster_addr = "http://127.0.0.1:8201"

seal "static" {
  current_key_id = "1"
  current_key    = "env://VAULT_SEAL_KEY"
}

initialize "tempor8" {
  request "engine" {
    operation = "update"
    path      = "sys/mounts/secret"
    data      = { type = "kv", options = { version = "2" } }
  }

  # what the service may do: credentials of tenants, and nothing else
  request "policy" {
    operation = "update"
    path      = "sys/policies/acl/tempor8"
    data = {
      policy = <<EOT
path "secret/data/tenants/+/credentials/*"     { capabilities = ["create", "read", "update", "delete"] }
path "secret/metadata/tenants/+/credentials/*" { capabilities = ["read", "list", "delete"] }
path "secret/metadata/tenants/+/credentials"   { capabilities = ["list"] }
EOT
    }
  }

  request "logins" {
    operation = "update"
    path      = "sys/auth/approle"
    data      = { type = "approle" }
  }

  request "role" {
    operation = "update"
    path      = "auth/approle/role/tempor8"
    data      = { token_policies = ["tempor8"], token_ttl = "1h", token_max_ttl = "24h" }
  }

  request "role-id" {
    operation = "update"
    path      = "auth/approle/role/tempor8/role-id"
    data      = { role_id = "tempor8" }
  }

  request "secret-id" {
    operation = "update"
    path      = "auth/approle/role/tempor8/custom-secret-id"
    data = {
      secret_id = {
        eval_type   = "string"
        eval_source = "env"
        env_var     = "VAULT_SECRET_ID"
      }
    }
  }
}

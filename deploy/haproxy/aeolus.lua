-- Asks the gate about a request, by HAProxy's own HTTP client. Nothing else to install.
--
--   http-request lua.aeolus_check GATE DEPLOYMENT
--
-- sets txn.aeolus_status, and on 200 the identity headers, else txn.aeolus_location and
-- txn.aeolus_challenge. Without an answer the status is 503: closed, never open.

-- What of a request matters to the decision, besides its line and host.
local ASKED = {
  "authorization", "cookie", "origin", "sec-fetch-site", "sec-fetch-mode", "accept",
  "x-requested-with", "upgrade", "x-http-method-override", "x-http-method", "x-method-override",
}
local IDENTITY = { "authorization", "x-aeolus-user", "x-aeolus-email", "x-aeolus-deployment" }

local function first(headers, name)
  local values = headers and headers[name]
  return values and values[0] or ""
end

local function check(txn, gate, deployment)
  txn:set_var("txn.aeolus_status", 503)
  local has = txn.http:req_get_headers()
  local question = {
    ["x-forwarded-method"] = { txn.f:method() },
    ["x-forwarded-host"] = { txn.f:req_hdr("host") },
    ["x-forwarded-uri"] = { txn.f:pathq() },
    ["x-forwarded-for"] = { txn.f:src() },
  }
  for _, name in ipairs(ASKED) do
    if has[name] then
      -- Every value: of two the gate chooses neither.
      local values = {}
      for at = 0, #has[name] do values[at + 1] = has[name][at] end
      question[name] = values
    end
  end
  local url = "http://" .. gate .. "/authz/haproxy/" .. deployment
  local answer = core.httpclient():get({ url = url, headers = question, timeout = 1000 })
  local status = answer and answer.status or 0
  if status == 200 then
    for _, name in ipairs(IDENTITY) do
      txn.http:req_set_header(name, first(answer.headers, name))
    end
  elseif status ~= 302 and (status < 400 or status > 599) then
    return
  else
    txn:set_var("txn.aeolus_location", first(answer.headers, "location"))
    txn:set_var("txn.aeolus_challenge", first(answer.headers, "www-authenticate"))
  end
  txn:set_var("txn.aeolus_status", status)
end

core.register_action("aeolus_check", { "http-req" }, check, 2)

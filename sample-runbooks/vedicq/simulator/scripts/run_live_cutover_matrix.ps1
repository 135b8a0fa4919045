$ErrorActionPreference = "Stop"
if (-not $env:DATABASE_URL) { throw "DATABASE_URL is required" }
$log = "evidence/live_cutover_$(Get-Date -Format yyyyMMdd_HHmmss).log"
dbctl migrate up --dir /app/db/migrations 2>&1 | Tee-Object -FilePath $log -Append
platform_runtime selfcheck 2>&1 | Tee-Object -FilePath $log -Append
go test ./integration/... -run TestMatrix -v 2>&1 | Tee-Object -FilePath $log -Append
Copy-Item $log evidence/latest.log
Write-Output "evidence_log=$log"

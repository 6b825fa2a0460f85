"""The units of a release: what the service manager of the node is told."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ..host.node import shares
from ..host.values.layout import Environment
from ..host.values.manifest import listen_address

OPT, DATA, SANDBOX = "/opt/helionyx", "/var/lib/helionyx", "/var/lib/helionyx-sandbox"

SOCKET = """\
[Unit]
Description=Helionyx {name}: the socket that stays open while the service restarts

[Socket]
ListenStream={listen}
# An address that is not up yet at boot is no reason to fail.
FreeBind=yes
Backlog=4096
NoDelay=yes
# A service that crashes under load must not take its socket down with it.
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
"""

SERVICE = """\
[Unit]
Description=Helionyx {name}
Requires={socket}
Wants={shutdown}
# What /etc/resolv.conf leads to below /run has to be there when the service gets its view of the disk.
After=network.target nss-lookup.target {socket}
RequiresMountsFor={data}/{name}
# Neither a boot nor `systemctl stop` waits longer for a service that asks for more time; it ends no process.
JobRunningTimeoutSec=90
# Never give up: the socket would go down with the service.
StartLimitIntervalSec=0

[Service]
Type=notify
User={user}
Group={user}
Environment=ENV={name}
Environment=HELIONYX_LAST_HEAD={opt}/heads/{name}.json
LoadCredential=env:{opt}/{name}/current/.env.{name}
# Without -OO: Debian has no byte code of the standard library for it, and each start would compile that anew.
ExecStart=/usr/bin/python{python} -IS {opt}/{name}/current/run.py services.api.runner
# Two services may hold the socket at once: neither may block in accept().
NonBlocking=yes
Restart=always
RestartSec=1
TimeoutStartSec=30
TimeoutStopSec=20
# The service says every 5 seconds that it still turns; one that does not is replaced. A core holds secrets.
WatchdogSec=10
LimitCORE=0
# More than the connections that it holds at most; it cannot raise this by itself.
LimitNOFILE=4096
LogNamespace={namespace}
SyslogIdentifier={unit}
UMask=0077

{shares}

# The service sees a root directory of its own, with no more in it than this: see ADR 15.
RootDirectory={sandbox}/{name}
BindReadOnlyPaths=/usr /etc /lib -/lib64 {opt}/layers {opt}/{name} -{opt}/heads
# A deploy makes it. StateDirectory= does not follow a link to a bigger disk.
BindPaths=-{data}/{name}
# No socket of another program: D-Bus, other journals, databases. Names are looked up by resolv.conf.
TemporaryFileSystem=/run:ro
BindReadOnlyPaths=/run/systemd/notify -/run/systemd/resolve -/run/resolvconf -/run/NetworkManager
TemporaryFileSystem=/dev/shm:ro /dev/mqueue:ro
NoExecPaths=/
ExecPaths=/usr /lib -/lib64 {opt}/layers

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
KeyringMode=private
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @aio @chown @keyring @memlock @setuid userfaultfd
# The socket is handed over: nothing else listens. listen() without bind() takes a free port.
SystemCallFilter=~bind listen
# No other process of the same user is reached. tgkill() kills its caller: by it abort() and, through
# faulthandler, the watchdog's SIGABRT end the process.
SystemCallFilter=~kill pidfd_getfd pidfd_send_signal process_madvise process_vm_readv process_vm_writev
SystemCallFilter=~rt_sigqueueinfo rt_tgsigqueueinfo tgkill:kill tkill:kill
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""

# A service that asks for more time to stop (EXTEND_TIMEOUT_USEC) gets it from systemd, for ever: see ADR 15.
# No Before=shutdown.target: the shutdown does not wait for this unit, which ends with the node.
SHUTDOWN = """\
[Unit]
Description=Helionyx {name}: the limit for the end of the service when the node shuts down
DefaultDependencies=no
Conflicts=shutdown.target
RefuseManualStop=yes

[Service]
Type=oneshot
RemainAfterExit=yes
# Above the TimeoutStopSec= of the service and of its rehearsal.
ExecStop=/usr/bin/sleep 25
ExecStop=-/usr/bin/systemctl kill --signal=KILL {unit}.service {rehearsal}.service {bridge}
TimeoutStopSec=60
"""

JOURNAL = """\
# The journal of Helionyx {name}: kept over reboots, bounded in size.
[Journal]
Storage=persistent
SystemMaxUse=256M
SystemKeepFree=256M
"""


# Root alone can read the certificate's key: see ADR 27.
TLS = """\
[Unit]
Description=Helionyx {name}: the copy of the certificate for the service
RequiresMountsFor={opt}/{name} {certificate} {key}
# Whoever renews a certificate changes several files, more than once.
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/bin/python{python} -IS {opt}/{name}/current/run.py services.certificate_copy copy \\
    --cert {certificate} --key {key} --to {opt}/{name}/tls.pem --group {user}
TimeoutStartSec=30
UMask=0077
LimitCORE=0
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={opt}/{name}
PrivateDevices=yes
PrivateNetwork=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""

# Started by the service, and stopped with it. That a link is replaced, systemd sees only in its directory.
TLS_PATH = """\
[Unit]
Description=Helionyx {name}: changes of the certificate
PartOf={unit}.service

[Path]
PathChanged={certificate}
PathChanged={certificate_directory}
PathChanged={key}
PathChanged={key_directory}
Unit={tls_service}
"""


def render(environment: Environment, python: str, config: Mapping[str, Any]) -> dict[str, bytes]:
    """The unit files by name. `config` are the facts of the configuration."""
    values = {
        "name": environment.name,
        "unit": environment.unit,
        "user": environment.user,
        "socket": environment.socket,
        "shutdown": environment.shutdown,
        "rehearsal": environment.rehearsal_stem,
        "bridge": environment.bridge_service,
        "namespace": environment.namespace,
        "listen": listen_address(str(config["api_host"]), int(config["api_port"])),
        "python": python,
        "shares": shares.block(shares.of(environment, config)),
        "opt": OPT,
        "data": DATA,
        "sandbox": SANDBOX,
        **_tls_values(environment, config),
    }
    named = zip(environment.unit_names, _templates(config), strict=False)
    return {name: template.format(**values).encode() for name, template in named}


def _tls_values(environment: Environment, config: Mapping[str, Any]) -> dict[str, str]:
    certificate, key = (str(config.get(name) or "") for name in ("tls_cert_file", "tls_key_file"))
    return {
        "tls_service": environment.tls_service,
        "tls_path": environment.tls_path,
        "certificate": certificate,
        "key": key,
        "certificate_directory": posixpath.dirname(certificate),
        "key_directory": posixpath.dirname(key),
    }


def _templates(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The templates in the order of the unit names; those for TLS are only in some."""
    if not config.get("tls_cert_file"):
        return (SOCKET, SERVICE, SHUTDOWN, JOURNAL)
    return (SOCKET, _with_tls(SERVICE), SHUTDOWN, JOURNAL, TLS, TLS_PATH)


def _with_tls(service: str) -> str:
    """Add to the service unit the copy of the certificate, made anew before each start."""
    wants, variable = "Wants={shutdown}\n", "Environment=HELIONYX_LAST_HEAD="
    service = service.replace(wants, f"{wants}Wants={{tls_service}} {{tls_path}}\nAfter={{tls_service}}\n")
    return service.replace(variable, f"Environment=HELIONYX_TLS_FILE={{opt}}/{{name}}/tls.pem\n{variable}")

"""What the daemons of the Slurm under test are configured with: texts, made from a layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GPUS = 4  #: of each node that has some
#: who may submit, and to which account
USERS = {"alice": "physics", "bob": "biology"}
#: each QoS, and how it differs from the default
QOS = {
    "normal": "",
    "high": "Priority=1000 Preempt=scavenger",
    "scavenger": "Priority=1 PreemptMode=cancel",
    "capped": "MaxJobsPerUser=1 MaxSubmitJobsPerUser=3",
}


@dataclass(frozen=True)
class Layout:
    """Where the cluster lives and how large it pretends to be."""

    root: Path
    host: str
    controller_port: int
    accounting_port: int
    database_port: int
    node_ports: tuple[int, ...]
    database_password: str
    cgroups: bool  #: without them nothing ends for want of memory
    cpus: int = 8
    memory: int = 16_000  #: MB
    forgets_after: int = 2  #: seconds that an ended job stays in squeue; the least Slurm allows
    silence: int = 10  #: seconds until a silent node is lost

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(f"node{number}" for number, _ in enumerate(self.node_ports, 1))

    @property
    def gpu_nodes(self) -> tuple[str, ...]:
        return self.nodes[: max(1, len(self.nodes) // 2)]

    @property
    def munge(self) -> Path:
        return self.root / "munge.sock"

    @property
    def database_socket(self) -> Path:
        return self.root / "database" / "socket"


def slurm(on: Layout) -> str:
    kind = "cgroup" if on.cgroups else "linuxproc"
    size = f"CPUs={on.cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={on.cpus} ThreadsPerCore=1 RealMemory={on.memory}"
    nodes = "".join(map(_node(on), on.nodes, on.node_ports))
    return f"""\
ClusterName=scaletest
SlurmctldHost={on.host}(127.0.0.1)
SlurmctldPort={on.controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={on.munge},cred_expire=5
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={on.root}/controller
SlurmdSpoolDir={on.root}/spool-%n
SlurmctldPidFile={on.root}/slurmctld.pid
SlurmdPidFile={on.root}/%n.pid
SlurmctldLogFile={on.root}/log/slurmctld.log
SlurmdLogFile={on.root}/log/%n.log
ProctrackType=proctrack/{kind}
TaskPlugin=task/{"cgroup" if on.cgroups else "none"}
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=NoOverMemoryKill
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={on.accounting_port}
AccountingStoragePass=socket={on.munge}
AccountingStorageEnforce=associations,limits,qos
AccountingStorageTRES=gres/gpu
JobCompType=jobcomp/none
MailProg=/bin/true
MpiDefault=none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout={on.silence}
InactiveLimit=0
KillWait=2
CompleteWait=0
MinJobAge={on.forgets_after}
EpilogMsgTime=0
MaxArraySize=20001
JobRequeue=1
Licenses=matlab:2
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=100000,bf_interval=2,bf_continue,preempt_youngest_first
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=64
PriorityType=priority/multifactor
PriorityWeightQOS=10000
PreemptType=preempt/qos
PreemptMode=REQUEUE
GresTypes=gpu
NodeName=DEFAULT {size} State=UNKNOWN
{nodes}PartitionName=main Nodes={",".join(on.nodes)} Default=YES DefaultTime=60 MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={",".join(on.gpu_nodes)} DefaultTime=60 MaxTime=1-00:00:00 State=UP
"""


def _node(on: Layout) -> Callable[[str, int], str]:
    def line(name: str, port: int) -> str:
        gpus = f" Gres=gpu:{GPUS}" if name in on.gpu_nodes else ""
        feature = " Feature=fast" if name == on.nodes[0] else ""
        return f"NodeName={name} NodeHostname={on.host} NodeAddr=127.0.0.1 Port={port}{gpus}{feature}\n"

    return line


def gpus(on: Layout) -> str:
    return f"NodeName={','.join(on.gpu_nodes)} Name=gpu File={on.root}/devices/gpu[0-{GPUS - 1}]\n"


def cgroups(on: Layout) -> str:
    return "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nConstrainRAMSpace=yes\nMinRAMSpace=16\n" if on.cgroups else ""


def accounting(on: Layout) -> str:
    return f"""\
AuthType=auth/munge
AuthInfo=socket={on.munge}
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={on.accounting_port}
SlurmUser=root
LogFile={on.root}/log/slurmdbd.log
PidFile={on.root}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={on.database_port}
StorageUser=slurm
StoragePass={on.database_password}
StorageLoc=slurm
CommitDelay=1
"""


def database(on: Layout) -> str:
    return f"""\
[mariadbd]
user=mysql
datadir={on.root}/database
socket={on.database_socket}
pid-file={on.root}/database/pid
port={on.database_port}
bind-address=127.0.0.1
skip-name-resolve
skip-log-bin
performance_schema=off
innodb_buffer_pool_size=64M
innodb_log_file_size=8M
innodb_lock_wait_timeout=900
innodb_flush_log_at_trx_commit=0
innodb_flush_method=nosync
innodb_doublewrite=0
max_allowed_packet=64M
"""


def database_grants(on: Layout) -> str:
    return (
        "CREATE DATABASE IF NOT EXISTS slurm;"
        f"CREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY '{on.database_password}';"
        "GRANT ALL ON slurm.* TO slurm@'127.0.0.1';"
    )


def associations() -> str:
    """For sacctmgr, all in one session: each connection costs a third of a second."""
    every = ",".join(QOS)
    lines = ["add cluster scaletest"]
    lines += [f"add qos {name}" for name in QOS if name != "normal"]
    lines += [f"modify qos {name} set {words}" for name, words in QOS.items() if words]
    lines.append(f"modify account root set qos={every} defaultqos=normal")
    for user, account in USERS.items():
        lines.append(f"add account {account} Description={account} Organization={account} qos={every} defaultqos=normal")
        lines.append(f"add user {user} Account={account} DefaultAccount={account}")
    return "\n".join([*lines, "exit", ""])

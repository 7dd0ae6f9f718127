//! What an operator does to an etcd: backups, users, room.

use std::process::Command;

use etcd_client::RoleRevokePermissionOptions;
use etcd_client::{AlarmAction, AlarmOptions, AlarmType, Client, Permission, PermissionType};
use tempfile::TempDir;

use super::EtcdProcess;

/// A copy of the data of an [`EtcdProcess`].
#[derive(Debug)]
pub struct Backup(TempDir);

const ROLE: &str = "limited";

impl EtcdProcess {
    /// Copies its data, which it is stopped for.
    ///
    /// # Panics
    /// When it can't be copied, or the etcd does not get ready again.
    pub async fn backup(&mut self) -> Backup {
        self.stop();
        let backup = Backup(tempfile::tempdir().expect("a temporary folder"));
        copy(&self.data, &backup.0);
        self.restart().await;
        backup
    }

    /// Starts it again with older data, as after a restore: the same cluster at an older revision.
    ///
    /// # Panics
    /// When it can't be copied, or the etcd does not get ready.
    pub async fn restart_from(&mut self, backup: &Backup) {
        self.stop();
        std::fs::remove_dir_all(self.data.path().join("etcd")).expect("the data can be removed");
        copy(&backup.0, &self.data);
        self.restart().await;
    }

    /// Turns authentication on. `root` gets the password, and so does another user, who may read
    /// and write what is under the prefixes and nothing else.
    ///
    /// # Panics
    /// When the etcd refuses.
    pub async fn enable_users(&mut self, user: &str, password: &str, prefixes: &[&str]) {
        let mut client = self.client().await;
        let refused = "the etcd takes it";
        client.role_add("root").await.expect(refused);
        client.role_add(ROLE).await.expect(refused);
        for prefix in prefixes {
            self.grant(prefix).await;
        }
        for (name, role) in [("root", "root"), (user, ROLE)] {
            client.user_add(name, password, None).await.expect(refused);
            client.user_grant_role(name, role).await.expect(refused);
        }
        client.auth_enable().await.expect(refused);
        self.connect = self.connect.clone().with_user("root", password);
    }

    /// Lets the user of [`enable_users`](Self::enable_users) read and write what is under a prefix.
    ///
    /// # Panics
    /// When the etcd refuses.
    pub async fn grant(&self, prefix: &str) {
        let range = crate::client::range(prefix).1;
        let mut permission = Permission::new(PermissionType::Readwrite, prefix);
        permission = permission.with_range_end(range);
        let mut client = self.client().await;
        let granted = client.role_grant_permission(ROLE, permission).await;
        granted.expect("the etcd takes it");
    }

    /// Takes back what [`grant`](Self::grant) gave.
    ///
    /// # Panics
    /// When the etcd refuses.
    pub async fn revoke(&self, prefix: &str) {
        let options = RoleRevokePermissionOptions::new().with_prefix();
        let mut client = self.client().await;
        let revoked = client.role_revoke_permission(ROLE, prefix, Some(options));
        revoked.await.expect("the etcd takes it");
    }

    /// Compacts and defragments a full database and disarms the alarm.
    ///
    /// # Panics
    /// When the etcd refuses.
    pub async fn make_room(&self) {
        let mut client = self.client().await;
        let refused = "the etcd takes it";
        let read = client.get("any", None).await.expect(refused);
        let revision = read.header().map_or(0, |header| header.revision());
        client.compact(revision, None).await.expect(refused);
        client.defragment().await.expect(refused);
        let alarms = client.alarm(AlarmAction::Get, AlarmType::Nospace, None);
        for alarm in alarms.await.expect(refused).alarms() {
            let mut member = AlarmOptions::new();
            member.with_member(alarm.member_id());
            let disarm = client.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(member));
            disarm.await.expect(refused);
        }
    }

    async fn client(&self) -> Client {
        let options = self.connect.connect(self.endpoint());
        let client = Client::connect([self.endpoint()], Some(options)).await;
        client.expect("the etcd answers")
    }
}

fn copy(from: &TempDir, to: &TempDir) {
    let status = Command::new("cp")
        .arg("-r")
        .arg(from.path().join("etcd"))
        .arg(to.path())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "cp");
}

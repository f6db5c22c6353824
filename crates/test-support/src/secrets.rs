//! Secrets with characters of every kind, as a request may hold them.

pub const ACCESS_KEY: &str = "AK+/=~ %\"'中文7f3a91d2c4";
pub const SECRET_KEY: &str = "SK&#<>?;密钥😀b81e55ac0d";
pub const TOKEN: &str = "Tk+/=~%\"'&<>9f2c4b7e1d5a48c0";
// No run of it is one of the others as well.
pub const REFRESH: &str = "Rf+/=~%\"'&<>令牌b3d7e9a1c5f802";
pub const APPKEY: &str = "Ky+/=~%\"'&<>5e7a1c9b3d02f4";
pub const PROXY_PASSWORD: &str = "Pw:@/+口令c0ffee5a1e";
pub const GATEWAY: &str = "Gw+/=~%\"'&<> key d15ea5e0b2";
pub const PARAMETER: &str = "身份证110101199003071234&=+";
pub const ALL: [&str; 8] = [ACCESS_KEY, SECRET_KEY, TOKEN, REFRESH, APPKEY, PROXY_PASSWORD, GATEWAY, PARAMETER];

//! The page at /doc.html, where an installed platform of 2020.5 lists its interfaces.

use axum::response::Html;

pub async fn document() -> Html<&'static str> {
    Html(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>平台API接口文档</title></head><body>\n\
         <h1>平台API接口文档</h1>\n<ul>\n\
         <li>GET /oapi/v1/token</li>\n<li>POST /oapi/v1/job/create</li>\n<li>POST /oapi/v1/file/upload</li>\n\
         <li>GET /oapi/v1/file/download</li>\n</ul>\n</body></html>\n",
    )
}

//! Why a job was left as it was, as a reply.

use crate::envelope::Refusal;
use crate::jobs::Refused;

pub fn job_refusal(refused: Refused) -> Refusal {
    match refused {
        Refused::NoSuchJob => Refusal::business(103, "任务不存在", "no such job"),
        Refused::NotEnded => Refusal::business(104, "任务未结束,不能删除", "the job has not ended, stop it first"),
        Refused::Ended => Refusal::business(105, "任务已结束,不能停止", "the job has ended already"),
    }
}

"""Pages of the cascade app."""

from __future__ import annotations

from django.urls import path

from cascade.views import keys, log, overview, policy, work

app_name = "cascade"
ONE = "cascades/<slug:slug>/"
urlpatterns = [
    path("cascades/", overview.cascades, name="cascades"),
    path("features/<slug:slug>/cascade/", overview.of_feature, name="of_feature"),
    path(ONE, overview.detail, name="detail"),
    path(f"{ONE}figures/", overview.figures, name="figures"),
    path(f"{ONE}limit/", overview.limit, name="limit"),
    path(f"{ONE}retire/", overview.retire, name="retire"),
    path(f"{ONE}alerts/<int:pk>/close/", overview.close_alert, name="close_alert"),
    path(f"{ONE}policy/", policy.policy, name="policy"),
    path(f"{ONE}policy/edit/", policy.edit, name="edit"),
    path(f"{ONE}policy/drop/", policy.drop, name="drop"),
    path(f"{ONE}policy/publish/", policy.publish, name="publish"),
    path(f"{ONE}policy/stop-canary/", policy.stop_canary, name="stop_canary"),
    path(f"{ONE}policy/<int:number>/", policy.version, name="version"),
    path(f"{ONE}policy/<int:number>/canary/", policy.start_canary, name="start_canary"),
    path(f"{ONE}policy/<int:number>/live/", policy.go_live, name="go_live"),
    path(f"{ONE}policy/<int:number>/back/", policy.roll_back, name="roll_back"),
    path(f"{ONE}replays/", work.replay_list, name="replays"),
    path(f"{ONE}replays/<int:pk>/", work.replay, name="replay"),
    path(f"{ONE}trials/upload/", work.upload, name="upload"),
    path(f"{ONE}uploads/<int:pk>/drop/", work.drop_upload, name="drop_upload"),
    path(f"{ONE}calibrations/", work.calibration_list, name="calibrations"),
    path(f"{ONE}calibrations/<int:pk>/", work.calibration, name="calibration"),
    path(f"{ONE}calibrations/<int:pk>/apply/", work.apply, name="apply"),
    path(f"{ONE}trainings/", work.training_list, name="trainings"),
    path(f"{ONE}trials/", log.trials, name="trials"),
    path(f"{ONE}trials/<uuid:uuid>/", log.trial, name="trial"),
    path(f"{ONE}review/", log.review, name="review"),
    path(f"{ONE}keys/", keys.keys, name="keys"),
    path(f"{ONE}keys/<slug:prefix>/revoke/", keys.revoke, name="revoke_key"),
]

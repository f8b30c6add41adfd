"""REST resources of the cascade app."""

from django.urls import path

from cascade.api import alerts, cascades, keys, policies, runs, trials, uploads

urlpatterns = [
    path("cascades", cascades.Cascades.as_view(), name="api-cascades"),
    path("cascades/<slug:slug>", cascades.Cascade.as_view(), name="api-cascade"),
    path("cascades/<slug:slug>/retire", cascades.Retire.as_view(), name="api-cascade-retire"),
    path("cascades/<slug:slug>/limit", cascades.Limit.as_view(), name="api-cascade-limit"),
    path("cascades/<slug:slug>/live", cascades.Live.as_view(), name="api-cascade-live"),
    path("cascades/<slug:slug>/draft", policies.Draft.as_view(), name="api-cascade-draft"),
    path("cascades/<slug:slug>/policies", policies.Policies.as_view(), name="api-cascade-policies"),
    path(
        "cascades/<slug:slug>/policies/<int:number>",
        policies.Policy.as_view(),
        name="api-cascade-policy",
    ),
    path("cascades/<slug:slug>/rollouts", policies.Rollouts.as_view(), name="api-cascade-rollouts"),
    path("cascades/<slug:slug>/keys", keys.VirtualKeys.as_view(), name="api-cascade-keys"),
    path(
        "cascades/<slug:slug>/keys/<slug:prefix>/revoke",
        keys.RevokeVirtualKey.as_view(),
        name="api-cascade-key-revoke",
    ),
    path("cascades/<slug:slug>/trials", trials.Trials.as_view(), name="api-cascade-trials"),
    path(
        "cascades/<slug:slug>/trials/export",
        uploads.LoggedTrials.as_view(),
        name="api-cascade-trials-export",
    ),
    path("cascades/<slug:slug>/review", trials.Review.as_view(), name="api-cascade-review"),
    path("cascades/<slug:slug>/uploads", uploads.TrialFiles.as_view(), name="api-cascade-uploads"),
    path(
        "cascades/<slug:slug>/uploads/<int:pk>",
        uploads.TrialFile.as_view(),
        name="api-cascade-upload",
    ),
    path("trials/<uuid:uuid>", trials.Trial.as_view(), name="api-trial"),
    path("trials/<uuid:uuid>/verdicts", trials.Verdicts.as_view(), name="api-trial-verdicts"),
    path("replays", runs.Replays.as_view(), name="api-replays"),
    path("replays/<int:pk>", runs.Replay.as_view(), name="api-replay"),
    path("calibrations", runs.Calibrations.as_view(), name="api-calibrations"),
    path("calibrations/<int:pk>", runs.Calibration.as_view(), name="api-calibration"),
    path(
        "calibrations/<int:pk>/apply",
        runs.ApplyCalibration.as_view(),
        name="api-calibration-apply",
    ),
    path("trainings", runs.Trainings.as_view(), name="api-trainings"),
    path("trainings/<int:pk>", runs.Training.as_view(), name="api-training"),
    path("alerts", alerts.Alerts.as_view(), name="api-alerts"),
    path("alerts/<int:pk>/close", alerts.CloseAlert.as_view(), name="api-alert-close"),
]

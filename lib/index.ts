export {
	ArchiveClient,
	type ArchiveClientOptions,
} from './aws/archive-client.js';
export type { CallOptions, CallRecord } from './aws/call-record.js';
export type { ClientSettings, Credentials } from './aws/client-settings.js';
export type { FragmentPage } from './aws/fragment-page.js';
export type { OperationInputs, OperationName, OperationPages, OperationParams } from './aws/operations.js';
export type { ItemOf, Page, PageOf, PaginateOptions, Paginator } from './aws/paginator.js';
export type { PresignedRequest, PresignOptions } from './aws/presigner.js';
export { type OwnClients, SharedClients } from './aws/sdk-clients.js';
export type { ClipPartSummary, ClipStream, ClipSummary } from './clip/clip-stream.js';
export type { AccessUnitForm } from './codecs/nal/access-unit.js';
export type { PictureLayout } from './dataset/dataset-form.js';
export { DATASET_FILE } from './dataset/dataset-manifest.js';
export { DatasetSink, type DatasetSinkOptions } from './dataset/dataset-sink.js';
export type { ExportPicturesOptions, ExportPicturesSummary } from './dataset/export-pictures.js';
export { type DatasetDamage, type DatasetReport, verifyDataset } from './dataset/verify-dataset.js';
export { Demuxer, type DemuxerOptions, type ResumePolicy } from './demux/demuxer.js';
export {
	ERROR_CODES,
	FragmentError,
	InvalidOptionError,
	RequestError,
	type RequestErrorDetails,
	SinkError,
} from './errors.js';
export type {
	ExportedFile,
	ExportedFragment,
	ExportManifest,
	ExportTotals,
	FileCut,
	FileSection,
	FragmentRange,
	MergedGaps,
} from './export/export-manifest.js';
export type { ExportRequest } from './export/export-request.js';
export type { FragmentNotice } from './export/fragment-notice.js';
export type { ExportOptions } from './export/range/export-options.js';
export type { ExportSummary } from './export/range/export-summary.js';
export { readManifest } from './export/read-manifest.js';
export type { FileTag, SplitRule } from './export/split-rule.js';
export { type ExportDamage, type VerifyReport, verifyExport } from './export/verify-export.js';
export type { FeedStream } from './feed/feed.js';
export type { FeedOptions } from './feed/feed-options.js';
export type { FeedSummary, RefusedFragment } from './feed/feed-tally.js';
export { FragmentBatcher, type FragmentBatcherOptions } from './fetch/fragment-batcher.js';
export { MediaFetcher, type MediaFetcherOptions } from './fetch/media-fetcher.js';
export type { FolderLock, OutputFolder, UnfinishedFile } from './files/output-folder.js';
export type { RemotePlace } from './files/remote-place.js';
export { type AroundOptions, AroundRange, type EventMoment } from './follow/around.js';
export { CaughtUpEvent } from './follow/caught-up-event.js';
export type { Checkpoint, CheckpointStore } from './follow/checkpoint.js';
export { FileCheckpoints } from './follow/file-checkpoints.js';
export type { FollowOptions } from './follow/follow-options.js';
export type { FollowEvent, FollowStream } from './follow/follow-stream.js';
export { type FragmentNotification, parseFragmentNotification } from './follow/fragment-notification.js';
export { FrameFilter, type FrameFilterOptions } from './frames/frame-filter.js';
export type { FrameSelection } from './frames/frame-selector.js';
export type { TrackSelector } from './frames/track-selection.js';
export type { Where } from './frames/where.js';
export { StoredTime } from './gaps/stored-time.js';
export { ArchivedImage } from './images/archived-image.js';
export type { ImageStream } from './images/image-source.js';
export type { ImagesOptions } from './images/images-options.js';
export { KvsArchive } from './kvs-archive.js';
export type {
	ClipOptions,
	EventsOptions,
	FragmentsOptions,
	FramesOptions,
	KvsArchiveOptions,
	PicturesOptions,
	TimelineOptions,
} from './kvs-archive-options.js';
export { FragmentSource, type FragmentSourceOptions, type FragmentStream } from './list/fragment-source.js';
export type { FragmentStart, WaitForFragmentOptions } from './list/fragment-waiter.js';
export type { LiveFrom, LiveOptions } from './live/live-options.js';
export type { MetricFamily, MetricSample } from './metrics/exposition.js';
export { FollowMetrics } from './metrics/follow-metrics.js';
export type { MetricSource } from './metrics/metric-source.js';
export { type MetricsServer, type ServeMetricsOptions, serveMetrics } from './metrics/serve-metrics.js';
export * from './mkv-node.js';
export { compareFragmentNumbers, type Fragment } from './model/fragment.js';
export type { FragmentBatch } from './model/fragment-batch.js';
export type { Instant } from './model/instant.js';
export type { MediaResponse, ReopenOptions } from './model/media-response.js';
export type { Progress } from './model/progress.js';
export type { FailedFragment, RunSummary } from './model/run-summary.js';
export type { RangeClock, TimeRange } from './model/time-range.js';
export type { Container } from './muxing/container.js';
export type { GapPolicy } from './muxing/output-timeline.js';
export { type Clock, systemClock } from './pace/clock.js';
export type { Quotas } from './pace/quotas.js';
export {
	createRateLimiter,
	type Permit,
	type RateLimiter,
	type RequestCost,
} from './pace/rate-limiter.js';
export type { RetryPolicy } from './pace/retry.js';
export { FfmpegDecoder, type FfmpegDecoderOptions, ffmpeg } from './pictures/ffmpeg-decoder.js';
export type { DecodedPicture, DecoderRun, FrameDecoder } from './pictures/frame-decoder.js';
export { Picture, type PictureFormat } from './pictures/picture.js';
export {
	type BatchedPicture,
	type BatchPicturesOptions,
	batchPictures,
	type PictureBatch,
} from './pictures/picture-batches.js';
export { PictureDecoder, type PictureDecoderOptions } from './pictures/picture-decoder.js';
export type { PictureFit, PictureOutput, PictureSize } from './pictures/picture-output.js';
export type {
	CountSelection,
	PictureSelection,
	SceneSelection,
	TimesSelection,
} from './pictures/picture-selection.js';
export type { DecodeFailure } from './pictures/track-decoder.js';
export type { DashSessionOptions } from './playback/dash-session-options.js';
export type { HlsSessionOptions } from './playback/hls-session-options.js';
export type { DashSession, HlsSession, PlaybackSession } from './playback/playback-session.js';
export type { SessionOptions } from './playback/session-options.js';
export type { Ack } from './put/ack.js';
export type { PutMediaOptions } from './put/put-media-options.js';
export type { RawExportOptions, RawExportSummary } from './raw/export-raw.js';
export type { RecordOptions } from './record/record-options.js';
export type { RecordSummary } from './record/record-stream.js';
export { RECORDINGS_FILE, type Recording, type RecordingCut } from './record/recording.js';
export { type RecordingsReport, verifyRecordings } from './record/verify-recordings.js';
export type { EventStream } from './run/event-stream.js';
export type { PictureStream, PictureSummary } from './run/picture-stream.js';
export type { RunOptions } from './run/run-options.js';
export { ArchivedImageSink } from './sinks/archived-image-sink.js';
export { ImageSink } from './sinks/image-sink.js';
export { MkvSink } from './sinks/mkv-sink.js';
export { Mp4Sink } from './sinks/mp4-sink.js';
export { pictureFacts } from './sinks/picture-facts.js';
export { WavSink } from './sinks/wav-sink.js';
export type {
	TimelineCodecChange,
	TimelineEvent,
	TimelineSpan,
	TimelineTotal,
} from './timeline/timeline-event.js';
export type { TimelineStream } from './timeline/timeline-source.js';

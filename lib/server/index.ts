export {
	type ArchiveServer,
	type ArchiveServerOptions,
	createArchiveServer,
	type RequestRecord,
} from './archive-server.js';
export type { IngestOptions, IngestSummary, LocalArchive, LocalArchiveOptions } from './local-archive.js';

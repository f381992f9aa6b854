import type { ExportState, ListedStream, StartedView } from '../../view-responses.js';
import type { ArchiveClock } from '../address.js';
import { getJson, sendJson } from './api-requests.js';

/** What the local process, which signs the calls, does besides what `StreamApi` says. Every method rejects with `ApiError`. */
export class ArchiveApi {
	start(): Promise<StartedView> {
		return getJson('start', {});
	}

	streams(): Promise<readonly ListedStream[]> {
		return getJson('streams', {});
	}

	beginExport(stream: string, range: { from: number; to: number; by: ArchiveClock }): Promise<ExportState> {
		return sendJson('POST', 'exports', { stream, ...range });
	}

	exportState(id: string): Promise<ExportState> {
		return getJson(`exports/${id}`, {});
	}

	async cancelExport(id: string): Promise<void> {
		await sendJson('DELETE', `exports/${id}`, {});
	}
}

import { extname } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
	'.mp4': 'video/mp4',
	'.mov': 'video/quicktime',
	'.m4a': 'audio/mp4',
	'.mkv': 'video/x-matroska',
	'.webm': 'video/webm',
	'.wav': 'audio/wav',
	'.jpg': 'image/jpeg',
	'.png': 'image/png',
	'.webp': 'image/webp',
	'.json': 'application/json',
	'.jsonl': 'application/x-ndjson',
	'.csv': 'text/csv',
	'.tar': 'application/x-tar',
	'.y4m': 'video/x-yuv4mpeg',
};

/** The content type of a file by its ending. */
export function contentTypeOf(name: string): string {
	return TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream';
}

/** Inputs that once broke the demuxer, or a version of it on the way: what they are, and their bytes in hexadecimal. */
export const fuzzFindings: readonly (readonly [string, string])[] = [
	[
		'a scan whose second candidate ends before the chunk that ruled out the first',
		'841a45dfa3bf837373801a45dfa3a34286810142f7810142f2810442f381084282886d6174726f736b61428781044285810218538067ff1254c36740cf73aff3b7aea50000',
	],
	[
		'a document that a scan finds and whose header is malformed, so that the scan goes on after its first byte',
		'ff1a45dfa3a3ff86810142f7810142f2810442f381084282886d6174726f736b614287810442858102185380670fffffff',
	],
];

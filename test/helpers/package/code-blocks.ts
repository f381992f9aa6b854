import { readFileSync } from 'node:fs';

/** A fenced block of a document. */
export interface CodeBlock {
	readonly document: string;
	/** What stands after the fence: `js`, or nothing. */
	readonly language: string;
	/** Without the fences, with a line feed at its end. */
	readonly text: string;
	/** The file that its first line, a comment, says it is: `first.mjs`; else null. */
	readonly fileName: string | null;
}

/** All fenced blocks of a document, in their order. */
export function codeBlocks(document: string): CodeBlock[] {
	const text = readFileSync(document, 'utf8');
	return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', block = '']) => ({
		document,
		language,
		text: block,
		fileName: /^(?:\/\/|#) (\S+\.\w+)$/m.exec(block.split('\n', 1)[0] ?? '')?.[1] ?? null,
	}));
}

import { lineParts } from '../../../views/live.ts';
import type { Line } from '../../../views/model.ts';
import { linesPage } from '../../../views/pages/lines.ts';
import type { PageModule } from '../front.ts';
import { contextOf } from './home.ts';

interface Lines {
  readonly lines: readonly Line[];
}

/** The internet lines of this box. */
export const linePages: PageModule = (app, front) => {
  app.get('/lines', async (c) => {
    const asked = await front.ask(c, 'GetLines', {});
    if (!asked.ok) return front.failed(c, asked.error);
    return front.page(c, (frame) => linesPage(frame, asked.value));
  });
  front.live<Lines>({
    name: 'lines',
    role: 'viewer',
    poll: (ask) => ask('GetLines', {}),
    render: (model, about) => (model.ok ? lineParts(contextOf(front, about), model.value.lines) : {}),
  });
};

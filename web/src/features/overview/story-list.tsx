import type { Schemas } from "../../api/client";
import { formatScore } from "../../lib/numbers";
import type { Contribution } from "./formula";
import css from "./story-list.module.css";

const SHOWN = 8;

interface StoryListProps {
  stories: readonly Contribution[];
  articles: readonly Schemas["Article"][];
}

/** The stories behind the sentiment, the most telling first. */
export function StoryList({ stories, articles }: StoryListProps) {
  if (stories.length === 0) {
    return (
      <p className="muted">No news: the sentiment counts 0 and the quality is lower for it.</p>
    );
  }
  return (
    <>
      <ol className={css.stories}>
        {stories.slice(0, SHOWN).map((story) => (
          <li key={story.cluster}>
            <span
              className={`${css.share} numbers`}
              data-way={story.share > 0 ? "up" : story.share < 0 ? "down" : "flat"}
            >
              {formatScore(story.share, 3)}
            </span>
            <span className={css.story}>
              <Headline
                article={articles.find(({ cluster }) => cluster === story.cluster)}
                story={story}
              />
              <span className={css.facts}>
                {[
                  story.source,
                  story.ageHours !== null && `${Math.round(story.ageHours)} h old`,
                  `score ${formatScore(story.score)} × weight ${story.weight.toFixed(2)}`,
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
            </span>
          </li>
        ))}
      </ol>
      {stories.length > SHOWN && (
        <p className={css.facts}>and {stories.length - SHOWN} more with smaller parts</p>
      )}
    </>
  );
}

interface HeadlineProps {
  article: Schemas["Article"] | undefined;
  story: Contribution;
}

function Headline({ article, story }: HeadlineProps) {
  if (!article) return <span>Story {story.cluster}</span>;
  return (
    <a href={web(article.url)} target="_blank" rel="noopener noreferrer">
      {article.title}
      {article.outlets > 1 && <span className="muted"> ({article.outlets} outlets)</span>}
    </a>
  );
}

/** A feed's word is not trusted to be a web address. */
function web(url: string): string | undefined {
  return /^https?:\/\//i.test(url) ? url : undefined;
}

namespace SmpFota;

/// <summary>What the carrier has reported of the link since the session was last told: however often, it is a few facts.</summary>
internal struct LinkReports
{
    private bool wentDown;
    private bool cameUp;
    private bool underNewAddress;
    private bool lostBonds;
    private SmpLinkEvent maxWrite;

    internal void Add(SmpLinkEvent linkEvent)
    {
        if (linkEvent == SmpLinkEvent.Down)
        {
            wentDown = true;
            cameUp = false;
            underNewAddress = false;
        }
        else if (linkEvent == SmpLinkEvent.NewAddress)
        {
            cameUp = true;
            underNewAddress = true;
        }
        else if (linkEvent == SmpLinkEvent.BondsLost)
        {
            lostBonds = true;
        }
        else if (linkEvent == SmpLinkEvent.Up)
        {
            cameUp = true;
        }
        else
        {
            maxWrite = linkEvent;
        }
    }

    /// <summary>Tells the session, in an order that means the same.</summary>
    internal readonly void Tell(SmpSession session, System.TimeSpan now)
    {
        if (wentDown)
        {
            session.ReportLink(now, SmpLinkEvent.Down);
        }

        if (cameUp)
        {
            session.ReportLink(now, underNewAddress ? SmpLinkEvent.NewAddress : SmpLinkEvent.Up);
        }

        if (lostBonds)
        {
            session.ReportLink(now, SmpLinkEvent.BondsLost);
        }

        if (!maxWrite.IsNone)
        {
            session.ReportLink(now, maxWrite);
        }
    }
}
